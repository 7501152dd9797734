# Pictures of what an updater has learnt, by base graphics.

plot_colours <- list(bars = "grey85", set = "grey60", all = "#08519c", inside = "#6baed6", outside = "grey75", round = "#cb181d")

plot.catena_updater <- function(x, parameters = NULL, level = 0.95, set = NULL, main = NULL, xlab = NULL, ylab = NULL, ...) {
  if (is.null(parameters)) parameters <- utils::head(x$parameters, 2L)
  if (!length(parameters) %in% 1:2) not_this("parameters", "one name or two", parameters)
  for (parameter in parameters) place_of_parameter(x, parameter, "parameters")
  level <- as_level(level)
  if (is.null(xlab)) xlab <- parameters[[1L]]
  if (length(parameters) == 1L) {
    plot_marginal(x, parameters, level, set, main, xlab, if (is.null(ylab)) "density" else ylab, ...)
  } else {
    plot_region(x, parameters, level, one_set(x, set), main, xlab, if (is.null(ylab)) parameters[[2L]] else ylab, ...)
  }
}

# Where nearly all of a parameter's law lies, over all sets that are drawn.
span_of <- function(u, parameter, sets, outside = 2e-3) {
  ends <- vapply(sets, function(id) {
    values <- updater_models(u, id)[, parameter]
    order <- order(values)
    below <- cumsum(updater_weights(u, id)[order])
    values[order][c(which(below >= outside)[[1L]], which(below >= 1 - outside)[[1L]])]
  }, numeric(2L))
  ends <- c(min(ends), max(ends))
  ends + c(-1, 1) * (if (diff(ends) > 0) 0.08 * diff(ends) else max(abs(ends), 1) * 0.01)
}

# Points of a curve over a grid that are above the height that leaves `level` of its area there.
above <- function(heights, level) {
  order <- order(heights, decreasing = TRUE)
  share <- cumsum(heights[order]) / sum(heights)
  seq_along(heights) %in% order[seq_len(which(share >= level - 1e-12)[[1L]])]
}

# The pooled density of one parameter with those of the sets, over bars; the region of highest density is filled.
plot_marginal <- function(u, parameter, level, set, main, xlab, ylab, bins = 40L, points = 512L, xlim = NULL, ylim = NULL, ...) {
  sets <- these_sets(u, set)
  if (is.null(xlim)) xlim <- span_of(u, parameter, sets)
  breaks <- seq(xlim[[1L]], xlim[[2L]], length.out = bins + 1L)
  at <- seq(xlim[[1L]], xlim[[2L]], length.out = points)
  bars <- updater_histogram(u, parameter, breaks, set)
  curves <- vapply(sets, function(id) updater_density(u, parameter, at, set = id), at)
  pooled <- rowMeans(curves)
  inside <- above(pooled, level)
  if (is.null(ylim)) ylim <- c(0, 1.04 * max(bars, curves))
  if (is.null(main)) main <- sprintf("%s after %d data", parameter, nrow(updater_records(u)))
  graphics::plot.default(NULL, xlim = xlim, ylim = ylim, xlab = xlab, ylab = ylab, yaxs = "i", bty = "l", las = 1, ...)
  graphics::rect(breaks[-length(breaks)], 0, breaks[-1L], bars, col = plot_colours$bars, border = "white", lwd = 0.5)
  runs <- rle(inside)
  ends <- cumsum(runs$lengths)
  for (run in which(runs$values)) {
    stretch <- seq(ends[[run]] - runs$lengths[[run]] + 1L, ends[[run]])
    graphics::polygon(
      at[c(stretch[[1L]], stretch, stretch[[length(stretch)]])], c(0, pooled[stretch], 0),
      col = grDevices::adjustcolor(plot_colours$inside, 0.45), border = NA
    )
  }
  if (length(sets) > 1L) graphics::matlines(at, curves, lty = 1, lwd = 0.7, col = plot_colours$set)
  graphics::lines(at, pooled, lwd = 2, col = plot_colours$all)
  mean <- mean(vapply(sets, function(id) updater_mean(u, set = id)[[parameter]], 0))
  graphics::segments(mean, 0, mean, stats::approx(at, pooled, mean)$y, lty = 2, col = plot_colours$all)
  several <- length(sets) > 1L
  key(
    c(sprintf("%g %% region", 100 * level), "mean", "all sets", if (several) "each set"),
    pch = c(15, NA, NA, if (several) NA), lty = c(NA, 2, 1, if (several) 1), lwd = c(NA, 1, 2, if (several) 0.7),
    col = c(grDevices::adjustcolor(plot_colours$inside, 0.6), plot_colours$all, plot_colours$all, if (several) plot_colours$set)
  )
  graphics::title(main, line = 2.3)
  invisible(data.frame(at = at, density = pooled, inside = inside))
}

# A set's models, with the hull and the ellipse around those of highest density.
plot_region <- function(u, parameters, level, set, main, xlab, ylab, corners = 180L, most = 5000L, xlim = NULL, ylim = NULL, ...) {
  models <- updater_models(u, set)
  inside <- look(u, "densest", set, level)
  within <- models[inside, parameters, drop = FALSE]
  # Of more than two parameters: the shadow of the hull and of the ellipsoid on these.
  hull <- within[grDevices::chull(within), , drop = FALSE]
  round <- updater_region(u, level, set, "ellipsoid")
  shadow <- solve(round$shape)[parameters, parameters]
  angles <- seq(0, 2 * pi, length.out = corners)
  ellipse <- t(round$centre[parameters] + t(chol(shadow)) %*% rbind(cos(angles), sin(angles)))
  shown <- rbind(span_of_columns(u, parameters, set), apply(ellipse, 2L, range), apply(hull, 2L, range))
  if (is.null(xlim)) xlim <- range(shown[, 1L])
  if (is.null(ylim)) ylim <- range(shown[, 2L])
  if (is.null(main)) main <- sprintf("set %.0f after %d data", set, nrow(updater_records(u)))
  # As many of the models as can be told apart.
  picked <- round(seq(1, nrow(models), length.out = min(nrow(models), most)))
  graphics::plot.default(
    models[picked, parameters], xlim = xlim, ylim = ylim, xlab = xlab, ylab = ylab, pch = 16, cex = 0.35, bty = "l",
    las = 1, col = grDevices::adjustcolor(ifelse(inside[picked], plot_colours$inside, plot_colours$outside), 0.6), ...
  )
  graphics::polygon(hull, border = plot_colours$all, lwd = 2)
  graphics::lines(ellipse, col = plot_colours$round, lwd = 1.5, lty = 2)
  mean <- updater_mean(u, set = set)[parameters]
  graphics::points(mean[[1L]], mean[[2L]], pch = 3, cex = 1.4, lwd = 2)
  key(
    c(sprintf("%g %% region", 100 * level), "convex hull", "smallest ellipse", "mean"),
    pch = c(16, NA, NA, 3), lty = c(NA, 1, 2, NA), lwd = c(NA, 2, 1.5, 2),
    col = c(plot_colours$inside, plot_colours$all, plot_colours$round, "black")
  )
  graphics::title(main, line = 2.3)
  invisible(list(hull = hull, ellipse = ellipse))
}

# The key, in one line above the picture, so that it hides nothing; as large as there is room for.
key <- function(entries, ..., largest = 0.85) {
  edges <- graphics::par("usr")
  draw <- function(size, plot) {
    # Equal widths, with a gap after the widest.
    width <- 1.25 * max(graphics::strwidth(entries, cex = size))
    graphics::legend(
      mean(edges[1:2]), edges[[4L]], entries, xjust = 0.5, yjust = 0, horiz = TRUE, bty = "n", xpd = NA, cex = size, seg.len = 1.6,
      x.intersp = 0.6, pt.cex = 1.5 * size, text.width = width, plot = plot, ...
    )$rect$w
  }
  room <- diff(edges[1:2]) * graphics::par("fin")[[1L]] / graphics::par("pin")[[1L]]
  draw(largest * min(1, 0.97 * room / draw(largest, FALSE)), TRUE)
}

span_of_columns <- function(u, parameters, set) vapply(parameters, function(name) span_of(u, name, set), numeric(2L))
