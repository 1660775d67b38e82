"""The measurements that `make bench` runs: figures of this machine, printed and never asserted."""
