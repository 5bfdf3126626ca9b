"""The one list of peers, fastgmm first: multiples are taken of its times."""

from bench.compare.peer import Peer
from bench.compare.peers import (
    armadillo,
    fastgmm,
    gmmx,
    mclust,
    onedal,
    opencv,
    pomegranate,
    scikit_learn,
    spark,
)

MODULES = (fastgmm, scikit_learn, onedal, armadillo, mclust, opencv, pomegranate, gmmx, spark)
PEERS: dict[str, Peer] = {module.PEER.name: module.PEER for module in MODULES}
