# Serves sweep.py. Arguments: a directory, N, D and iterations. Then a K a line, whose partition is in the directory; the
# answer is a line for each model: its name, seconds, and the log-likelihood that the last iteration saw.
suppressMessages(library(mclust))
arguments <- commandArgs(trailingOnly = TRUE)
path <- function(name) file.path(arguments[1], name)
n <- as.integer(arguments[2])
d <- as.integer(arguments[3])
rows <- matrix(readBin(path("rows"), "double", n * d), n, d, byrow = TRUE)
# Shapes and volumes in turn to 1e-5, the default of iterations.
exactly <- emControl(tol = c(0, 1e-5), itmax = c(as.integer(arguments[4]), .Machine$integer.max))

cat("ready\n")
numbers <- file("stdin", "r")
while (length(line <- readLines(numbers, 1)) > 0) {
  z <- unmap(readBin(path("labels"), "integer", n), groups = seq_len(as.integer(line)))
  for (model in mclust.options("emModelNames")) {
    seconds <- system.time(found <- suppressWarnings(me(rows, model, z, control = exactly)))[["elapsed"]]
    cat(model, seconds, format(found$loglik, digits = 17), "\n")
  }
}
