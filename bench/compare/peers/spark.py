"""Spark MLlib's `GaussianMixture` on this machine; rounds by the older of its two APIs, which takes a start."""

import os
from types import SimpleNamespace

from bench.compare.peer import Parameters, Peer, output_of, version_of


def load(X):
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{os.environ['OMP_NUM_THREADS']}]")
    context = builder.config("spark.driver.memory", "4g").getOrCreate().sparkContext
    rdd = context.parallelize(X.tolist()).cache()
    frame = rdd.map(lambda row: (row,)).toDF("row array<double>").select(array_to_vector("row").alias("features"))
    frame.cache().count()
    return SimpleNamespace(rdd=rdd, frame=frame, process=context._gateway.proc.pid)


def rounds(rows, start, n_rounds):
    from pyspark.mllib.clustering import GaussianMixture
    from pyspark.mllib.linalg import Matrices, Vectors

    k, d = start.means.shape
    means = map(Vectors.dense, start.means.tolist())
    matrices = (Matrices.dense(d, d, matrix.ravel().tolist()) for matrix in start.matrices())
    gaussians = [SimpleNamespace(mu=mean, sigma=matrix) for mean, matrix in zip(means, matrices, strict=True)]
    explicit = SimpleNamespace(k=k, weights=start.weights.tolist(), gaussians=gaussians)
    model = GaussianMixture.train(rows.rdd, k, convergenceTol=0.0, maxIterations=n_rounds, initialModel=explicit)
    fitted = [(each.mu.toArray(), each.sigma.toArray()) for each in model.gaussians]
    return Parameters.of_matrices(model.weights, *zip(*fitted, strict=True), "full")


def whole(rows, n_components, covariance_type, seed):
    from pyspark.ml.clustering import GaussianMixture

    model = GaussianMixture(k=n_components, seed=seed).fit(rows.frame)
    fitted = [(row["mean"].toArray(), row["cov"].toArray()) for row in model.gaussiansDF.collect()]
    return Parameters.of_matrices(model.weights, *zip(*fitted, strict=True), "full")


PEER = Peer(
    name="spark",
    title="Spark MLlib",
    install="pip install pyspark  # and a Java runtime",
    versions=lambda: {"java": output_of("java", "--version").split()[1], **version_of("pyspark")},
    rounds=rounds,
    whole=whole,
    structures=("full",),
    load=load,
    process=lambda rows: rows.process,
)
