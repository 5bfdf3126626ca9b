"""One adapter a file, each at most 40 lines; ``bench/peers.md`` says how to install a peer and how to add one."""
