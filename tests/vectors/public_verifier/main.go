// Command public-verifier holds a log of ours against the libraries that others verify logs with: golang.org/x/mod
// (notes, tiles), transparency-dev/formats (checkpoints, cosignatures) and transparency-dev/merkle (proofs).
//
// It reads what to verify as JSON on standard input, ends with an error where anything does not hold, and writes a
// note that these libraries signed and cosigned, for ours to verify.
package main

import (
	"crypto/rand"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"

	checkpoints "github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Question is a log as it lies on a disk, with proofs.
type Question struct {
	Folder      string        `json:"folder"`
	Log         string        `json:"log"`
	Witnesses   []string      `json:"witnesses"`
	Leaves      [][]byte      `json:"leaves"`
	Inclusion   []Inclusion   `json:"inclusion"`
	Consistency []Consistency `json:"consistency"`
}

// An Inclusion is a proof for one leaf of the whole tree.
type Inclusion struct {
	Index uint64   `json:"index"`
	Proof [][]byte `json:"proof"`
}

// A Consistency is a proof that the whole tree begins with a smaller one.
type Consistency struct {
	First uint64   `json:"first"`
	Root  []byte   `json:"root"`
	Proof [][]byte `json:"proof"`
}

// An Answer is a note, and the keys that signed it.
type Answer struct {
	Note    string `json:"note"`
	Log     string `json:"log"`
	Witness string `json:"witness"`
}

func main() {
	log.SetFlags(0)
	var question Question
	must(json.NewDecoder(os.Stdin).Decode(&question))
	checkpoint := opened(question)
	tree := tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}
	require(int(tree.N) == len(question.Leaves), "the checkpoint has another size")
	tiles(question, tree)
	proofs(question, checkpoint)
	must(json.NewEncoder(os.Stdout).Encode(signed(string(checkpoint.Marshal()))))
}

// opened verifies the checkpoint file: the log's signature, and one of each witness.
func opened(question Question) *checkpoints.Checkpoint {
	content, err := os.ReadFile(filepath.Join(question.Folder, "checkpoint"))
	must(err)
	key, err := note.NewVerifier(question.Log)
	must(err)
	var witnesses []note.Verifier
	for _, vkey := range question.Witnesses {
		witness, err := cosignatures.NewVerifierForCosignatureV1(vkey)
		must(err)
		witnesses = append(witnesses, witness)
	}
	checkpoint, rest, found, err := checkpoints.ParseCheckpoint(content, key.Name(), key, witnesses...)
	must(err)
	require(len(rest) == 0, "a checkpoint has extension lines")
	require(len(found.Sigs) == 1+len(witnesses) && len(found.UnverifiedSigs) == 0, "a signature is not verified")
	return checkpoint
}

// tiles hashes every leaf out of the tiles, up to the root.
func tiles(question Question, tree tlog.Tree) {
	hashes := tlog.TileHashReader(tree, folder(question.Folder))
	for index, leaf := range question.Leaves {
		path, err := tlog.ProveRecord(tree.N, int64(index), hashes)
		must(err)
		must(tlog.CheckRecord(path, tree.N, tree.Hash, int64(index), tlog.RecordHash(leaf)))
	}
	for _, consistency := range question.Consistency {
		path, err := tlog.ProveTree(tree.N, int64(consistency.First), hashes)
		must(err)
		must(tlog.CheckTree(path, tree.N, tree.Hash, int64(consistency.First), tlog.Hash(consistency.Root)))
	}
}

// proofs verifies the proofs that came along.
func proofs(question Question, checkpoint *checkpoints.Checkpoint) {
	hasher := rfc6962.DefaultHasher
	for _, it := range question.Inclusion {
		leaf := hasher.HashLeaf(question.Leaves[it.Index])
		must(proof.VerifyInclusion(hasher, it.Index, checkpoint.Size, leaf, it.Proof, checkpoint.Hash))
	}
	for _, it := range question.Consistency {
		must(proof.VerifyConsistency(hasher, it.First, checkpoint.Size, it.Proof, it.Root, checkpoint.Hash))
	}
}

// signed signs a text as a log and as a witness.
func signed(text string) Answer {
	origin, _, _ := strings.Cut(text, "\n")
	logSecret, logKey, err := note.GenerateKey(rand.Reader, origin)
	must(err)
	logSigner, err := note.NewSigner(logSecret)
	must(err)
	witnessSecret, witnessKey, err := note.GenerateKey(rand.Reader, "witness.example/w1")
	must(err)
	witness, err := cosignatures.NewSignerForCosignatureV1(witnessSecret)
	must(err)
	content, err := note.Sign(&note.Note{Text: text}, logSigner, witness)
	must(err)
	witnessKey, err = cosignatures.VKeyToCosignatureV1(witnessKey)
	must(err)
	return Answer{Note: string(content), Log: logKey, Witness: witnessKey}
}

// A folder serves tiles of height 8 by their paths in c2sp.org/tlog-tiles.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range wanted {
		content, err := os.ReadFile(filepath.Join(string(f), strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func require(holds bool, failure string) {
	if !holds {
		log.Fatal(failure)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
