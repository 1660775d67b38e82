"""Pages for registrars: recording, rounds and terms, ledger, exports, roster, collecting. Door: ``urls``."""
