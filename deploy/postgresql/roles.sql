-- Roles of least privilege for a hub on PostgreSQL 14 or newer.
--
--   psql --single-transaction -v ON_ERROR_STOP=1 -f roles.sql DATABASE
--
-- Run it as a superuser in the hub's database, after `alliance-server init` and after each `alliance-server upgrade`; it may be
-- repeated. It makes three roles that cannot log in until somebody gives them a password, or a way in by pg_hba.conf:
--
--   alliance_owner    owns the tables: init, upgrade and restore run as this role, and nothing else does
--   alliance_hub      serves: it adds to the audit tables, and can neither change nor delete a row of them nor drop what refuses it
--   alliance_auditor  reads the audit tables and nothing else: alliance-server audit verify and export
--
-- Tables that a later release adds belong to nobody but the owner until this was run again.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['alliance_owner', 'alliance_hub', 'alliance_auditor'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION', role_name);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, alliance_hub, alliance_auditor', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO alliance_hub, alliance_auditor', current_database());
    EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO alliance_owner', current_database());
END $$;

ALTER SCHEMA public OWNER TO alliance_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC, alliance_hub, alliance_auditor;
GRANT USAGE ON SCHEMA public TO alliance_hub, alliance_auditor;

DO $$
DECLARE
    append_only CONSTANT text[] := ARRAY[
        'audit_events', 'audit_logs', 'audit_tree_heads', 'audit_checkpoints', 'audit_cosignatures', 'published_facts',
        'witness_lists'
    ];
    -- What a verification reads besides: which keys the hub had, and of which release its tables are.
    read_by_auditors CONSTANT text[] := append_only || ARRAY['successions', 'alembic_version'];
    one record;
BEGIN
    FOR one IN SELECT relname AS name, relkind AS kind FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO alliance_owner', one.name);
        EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, alliance_hub, alliance_auditor', one.name);
        EXECUTE format('GRANT SELECT ON public.%I TO alliance_hub', one.name);
        IF one.name = ANY (append_only) THEN
            EXECUTE format('GRANT INSERT ON public.%I TO alliance_hub', one.name);
        ELSIF one.name <> 'alembic_version' THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON public.%I TO alliance_hub', one.name);
        END IF;
        IF one.name = ANY (read_by_auditors) THEN
            EXECUTE format('GRANT SELECT ON public.%I TO alliance_auditor', one.name);
        END IF;
    END LOOP;
    -- Sequences went to the owner with their tables. A hub takes numbers from them, and cannot put one back.
    FOR one IN SELECT relname AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE public.%I FROM PUBLIC, alliance_hub, alliance_auditor', one.name);
        EXECUTE format('GRANT USAGE ON SEQUENCE public.%I TO alliance_hub', one.name);
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO alliance_owner', one.name);
    END LOOP;
END $$;
