//! The functions as Python calls them. Each releases the interpreter's lock and borrows the bytes that it is given;
//! what they mean, and in which errors, is said in `alliance_native.pyi`.

use std::borrow::Borrow;
use std::slice;
use std::sync::atomic::AtomicU8;

use pyo3::buffer::PyBuffer;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::batch::{Fault, Result as BatchResult, Threads};
use crate::oprf::{Evaluated, Reply};
use crate::{bloom, keys, oprf, signatures};

create_exception!(alliance_native, BatchFault, PyException, "A wrong number of bytes or items.");
create_exception!(alliance_native, ElementFault, PyException, "No element, or the identity: (place, is identity).");
create_exception!(alliance_native, KeyFault, PyException, "A public key that does not decode.");
create_exception!(alliance_native, ScalarFault, PyException, "A scalar that is zero or not canonical.");
create_exception!(alliance_native, InputFault, PyException, "An input that is too long or hashes to the identity.");
create_exception!(alliance_native, ProofFault, PyException, "A proof that does not verify.");

/// Which functions there are, and with which arguments; counted up when one changes.
const INTERFACE: u32 = 1;

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> PyErr {
        match fault {
            Fault::Batch(why) => BatchFault::new_err(why),
            Fault::Identity(place) => ElementFault::new_err((place, true)),
            Fault::Element(place) => ElementFault::new_err((place, false)),
            Fault::Key => KeyFault::new_err(()),
            Fault::Scalar => ScalarFault::new_err(()),
            Fault::Input => InputFault::new_err(()),
            Fault::Proof => ProofFault::new_err(()),
        }
    }
}

type Packed<'py> = PyResult<Bound<'py, PyBytes>>;

fn packed<'py>(py: Python<'py>, work: impl FnOnce() -> BatchResult<oprf::Outputs> + Send) -> Packed<'py> {
    Ok(PyBytes::new(py, &py.detach(work)?))
}

fn pair<'py>(py: Python<'py>, (elements, proof): &Evaluated) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [PyBytes::new(py, elements), PyBytes::new(py, proof)])
}

#[pyfunction]
fn reduce_scalars<'py>(py: Python<'py>, wide: &[u8]) -> Packed<'py> {
    let scalars = py.detach(|| oprf::reduce_scalars(wide))?;
    Ok(PyBytes::new(py, &scalars))
}

/// Elements that were decoded or made here, kept as they are computed with.
#[pyclass(frozen, module = "alliance_native")]
struct Elements(oprf::Elements);

#[pymethods]
impl Elements {
    fn __len__(&self) -> usize {
        self.0.count()
    }

    fn __repr__(&self) -> String {
        format!("Elements(<{} items>)", self.0.count())
    }

    #[getter]
    fn encoded<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.packed())
    }
}

/// Borrowed elements of a call, held while the interpreter is not.
struct Held(Py<Elements>);

impl Borrow<oprf::Elements> for Held {
    fn borrow(&self) -> &oprf::Elements {
        &self.0.get().0
    }
}

#[pyfunction]
fn blind_additive(py: Python<'_>, inputs: Vec<PyBackedBytes>, offsets: &[u8], threads: usize) -> PyResult<Elements> {
    Ok(Elements(py.detach(|| oprf::blind_additive(&inputs, offsets, Threads(threads)))?))
}

#[pyfunction]
fn blind_multiplicative(
    py: Python<'_>,
    inputs: Vec<PyBackedBytes>,
    blinds: &[u8],
    threads: usize,
) -> PyResult<Elements> {
    Ok(Elements(py.detach(|| oprf::blind_multiplicative(&inputs, blinds, Threads(threads)))?))
}

#[pyfunction]
fn decode_elements(py: Python<'_>, packed: &[u8], threads: usize) -> PyResult<Elements> {
    Ok(Elements(py.detach(|| oprf::Elements::decode(packed, Threads(threads)))?))
}

#[pyfunction]
fn decode_many<'py>(py: Python<'py>, calls: Vec<PyBackedBytes>, threads: usize) -> PyResult<Bound<'py, PyList>> {
    let outcomes = py.detach(|| oprf::Elements::decode_many(&calls, Threads(threads)));
    let list = PyList::empty(py);
    for outcome in outcomes {
        match outcome {
            Ok(elements) => list.append(Elements(elements))?,
            Err(fault) => list.append(PyErr::from(fault).into_value(py))?,
        }
    }
    Ok(list)
}

#[pyfunction]
fn evaluate<'py>(
    py: Python<'py>,
    secret: &[u8],
    elements: &Bound<'py, Elements>,
    nonce: &[u8],
    threads: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    let elements = &elements.get().0;
    let evaluated = py.detach(|| oprf::evaluate(secret, elements, nonce, Threads(threads)))?;
    pair(py, &evaluated)
}

#[pyfunction]
fn evaluate_many<'py>(
    py: Python<'py>,
    secret: &[u8],
    calls: Vec<Py<Elements>>,
    nonces: &[u8],
    threads: usize,
) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let calls: Vec<Held> = calls.into_iter().map(Held).collect();
    let outcomes = py.detach(|| oprf::evaluate_many(secret, &calls, nonces, Threads(threads)))?;
    outcomes.iter().map(|evaluated| pair(py, evaluated)).collect()
}

#[pyfunction]
#[allow(clippy::too_many_arguments)] // they are what the RFC's Finalize takes
fn finalize_additive<'py>(
    py: Python<'py>,
    inputs: Vec<PyBackedBytes>,
    offsets: &[u8],
    blinded: &Bound<'py, Elements>,
    evaluated: &[u8],
    proof: &[u8],
    public_key: &[u8],
    threads: usize,
) -> Packed<'py> {
    let reply = Reply { inputs: &inputs, scalars: offsets, blinded: &blinded.get().0, evaluated, proof, public_key };
    packed(py, || oprf::finalize_additive(&reply, Threads(threads)))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)] // as above
fn finalize_multiplicative<'py>(
    py: Python<'py>,
    inputs: Vec<PyBackedBytes>,
    blinds: &[u8],
    blinded: &Bound<'py, Elements>,
    evaluated: &[u8],
    proof: &[u8],
    public_key: &[u8],
    threads: usize,
) -> Packed<'py> {
    let reply = Reply { inputs: &inputs, scalars: blinds, blinded: &blinded.get().0, evaluated, proof, public_key };
    packed(py, || oprf::finalize_multiplicative(&reply, Threads(threads)))
}

#[pyfunction]
fn sign_messages<'py>(
    py: Python<'py>,
    seed: &[u8],
    prefix: &[u8],
    messages: Vec<PyBackedBytes>,
    threads: usize,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let signatures = py.detach(|| signatures::sign(seed, prefix, &messages, Threads(threads)))?;
    Ok(signatures.iter().map(|signature| PyBytes::new(py, signature)).collect())
}

#[pyfunction]
fn verify_signatures(
    py: Python<'_>,
    public_key: &[u8],
    prefix: &[u8],
    messages: Vec<PyBackedBytes>,
    signatures: Vec<PyBackedBytes>,
    threads: usize,
) -> PyResult<Vec<bool>> {
    Ok(py.detach(|| signatures::verify(public_key, prefix, &messages, &signatures, Threads(threads)))?)
}

#[pyfunction]
fn derive_keys<'py>(py: Python<'py>, seeds: &[u8], info: &[u8], threads: usize) -> Packed<'py> {
    let keys = py.detach(|| keys::derive(seeds, info, Threads(threads)))?;
    Ok(PyBytes::new(py, &keys))
}

#[pyfunction]
fn find_handles(
    py: Python<'_>,
    keys: &[u8],
    entry_ids: &[u8],
    handles: &[u8],
    threads: usize,
) -> PyResult<Vec<(usize, usize)>> {
    Ok(py.detach(|| keys::find_handles(keys, entry_ids, handles, Threads(threads)))?)
}

/// The bytes of a buffer, which the caller keeps alive and unmoved while its `PyBuffer` lives.
fn atomic(buffer: &PyBuffer<u8>) -> PyResult<&[AtomicU8]> {
    if !buffer.is_c_contiguous() {
        return Err(BatchFault::new_err("the bits are one contiguous buffer"));
    }
    if buffer.len_bytes() == 0 {
        return Ok(&[]); // which may have no address
    }
    // SAFETY: the exporter guarantees `len_bytes` valid bytes at `buf_ptr` until the buffer is released, and an
    // AtomicU8 has the layout of a u8. Writers elsewhere in the process are these functions, or Python under its lock.
    Ok(unsafe { slice::from_raw_parts(buffer.buf_ptr().cast::<AtomicU8>(), buffer.len_bytes()) })
}

fn writable(buffer: &PyBuffer<u8>) -> PyResult<&[AtomicU8]> {
    if buffer.readonly() {
        return Err(BatchFault::new_err("the bits are writable"));
    }
    atomic(buffer)
}

#[pyfunction]
fn set_tags(py: Python<'_>, bits: PyBuffer<u8>, m: u64, seed: u32, tags: &[u8], threads: usize) -> PyResult<()> {
    let view = writable(&bits)?;
    let shape = bloom::Shape::new(m, seed, view)?;
    Ok(py.detach(|| bloom::set(view, shape, tags, Threads(threads)))?)
}

#[pyfunction]
fn set_new_tags(
    py: Python<'_>,
    bits: PyBuffer<u8>,
    m: u64,
    seed: u32,
    tags: &[u8],
    threads: usize,
) -> PyResult<Vec<u64>> {
    let view = writable(&bits)?;
    let shape = bloom::Shape::new(m, seed, view)?;
    Ok(py.detach(|| bloom::set_new(view, shape, tags, Threads(threads)))?)
}

#[pyfunction]
fn query_tags(
    py: Python<'_>,
    bits: PyBuffer<u8>,
    m: u64,
    seed: u32,
    tags: &[u8],
    threads: usize,
) -> PyResult<Vec<usize>> {
    let view = atomic(&bits)?;
    let shape = bloom::Shape::new(m, seed, view)?;
    Ok(py.detach(|| bloom::query(view, shape, tags, Threads(threads)))?)
}

#[pyfunction]
fn multiply_repeatedly<'py>(py: Python<'py>, rounds: usize) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &py.detach(|| oprf::multiply_repeatedly(rounds)))
}

#[pymodule]
mod alliance_native {
    #[pymodule_export]
    use super::{
        blind_additive, blind_multiplicative, decode_elements, decode_many, derive_keys, evaluate, evaluate_many,
        finalize_additive, finalize_multiplicative, find_handles, multiply_repeatedly, query_tags, reduce_scalars,
        set_new_tags, set_tags, sign_messages, verify_signatures, BatchFault, ElementFault, Elements, InputFault,
        KeyFault, ProofFault, ScalarFault,
    };
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("INTERFACE", super::INTERFACE)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
