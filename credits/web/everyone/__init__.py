"""Pages for several roles or for none: a claim, the public notice, a maintainer's page. Door: ``urls``."""
