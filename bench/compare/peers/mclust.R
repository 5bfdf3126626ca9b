# Serves mclust.py. Arguments: a directory, N and D. Then a line a command: rounds|whole, rounds or seed, K, model.
suppressMessages(library(mclust))
arguments <- commandArgs(trailingOnly = TRUE)
path <- function(name) file.path(arguments[1], name)
n <- as.integer(arguments[2])
d <- as.integer(arguments[3])
rows <- matrix(readBin(path("rows"), "double", n * d), n, d, byrow = TRUE)

start <- function(k, model) {
  values <- readBin(path("start"), "double", k * (1 + d + d * d))
  sigma <- array(values[-seq_len(k * (1 + d))], c(d, d, k))
  variances <- matrix(apply(sigma, 3, diag), d, k)
  scale <- exp(colMeans(log(variances)))
  variance <- switch(model,
    E = list(sigmasq = variances[1, 1]),
    V = , VII = list(sigmasq = variances[1, ]),
    VVI = list(scale = scale, shape = sweep(variances, 2, scale, "/")),
    EEE = list(cholSigma = chol(sigma[, , 1])),
    VVV = list(cholsigma = array(apply(sigma, 3, chol), c(d, d, k))))
  list(pro = values[seq_len(k)], mean = matrix(values[k + seq_len(k * d)], d, k),
       variance = c(list(modelName = model, d = d, G = k), variance))
}

answer <- function(task, number, k, model) {
  set.seed(number)
  exactly <- emControl(tol = c(0, 0), itmax = c(number, number))
  parameters <- switch(task,
    rounds = em(rows, model, start(k, model), control = exactly),
    whole = Mclust(rows, G = k, modelNames = model, verbose = FALSE))$parameters
  sigma <- if (d == 1) rep_len(parameters$variance$sigmasq, k) else parameters$variance$sigma
  writeBin(as.double(c(parameters$pro, parameters$mean, sigma)), path("answer"))
}

cat("ready\n")
commands <- file("stdin", "r")
while (length(line <- readLines(commands, 1)) > 0) {
  words <- strsplit(line, " ")[[1]]
  model <- if (d == 1) substr(words[4], 1, 1) else words[4]
  failure <- tryCatch(answer(words[1], as.integer(words[2]), as.integer(words[3]), model), error = conditionMessage)
  cat(gsub("\n", " ", failure), "\n", sep = "")
}
