@testset "draws as arrays and tables" begin
    draws = Catena.sample(FunctionModel(2, normal!; names = ["mu", "tau"]), 200; seed = 1, chains = 3, chain_id = 5)
    @test size(Array(draws)) == (200, 3, 2) == size(draws)
    @test Array(draws)[:, :, 2] == draws["tau"] == draws[:tau]
    @test Catena.parameters(draws) == ["mu", "tau"]
    @test keys(draws)[1:7] == ["lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__",
                               "energy__"]
    @test_throws KeyError draws["sigma"]
    # lp__ belongs to the draw in its row.
    @test draws["lp__"][17, 2] == normal!(zeros(2), draws.values[17, 2, end-1:end])
    columns = Catena.columns(draws)
    @test columns isa NamedTuple
    @test all(column -> length(column) == 600, columns)
    @test columns.chain == repeat(5:7; inner = 200)
    @test columns.draw == repeat(1:200; outer = 3)
    @test columns.mu == vec(draws["mu"])
end

@testset "summary" begin
    draws = Catena.sample(MODEL, 500; seed = 1)
    summary = Catena.summarize(draws)
    @test summary.variables == ["lp__", "x.1", "x.2"]
    @test keys(summary.columns) == (:variable, :mean, :mcse_mean, :sd, :mcse_sd, :q5, :median, :q95, :ess_bulk, :ess_tail,
                                    :rhat)
    x = vec(draws["x.1"])
    mean = sum(x) / length(x)
    @test summary["x.1"].mean ≈ mean
    @test summary["x.1"].sd ≈ sqrt(sum(abs2, x .- mean) / (length(x) - 1))
    @test summary["x.1"].q5 < summary["x.1"].median < summary["x.1"].q95
    @test summary.divergences == 0
    @test_throws KeyError summary["y"]
    text = sprint(show, MIME"text/plain"(), draws)
    @test startswith(text, "Catena.Draws: 500 draws × 4 chains × 2 parameters\n")
    @test occursin("ess_bulk", text) && occursin("x.2", text)
    @test sprint(show, draws) == "Catena.Draws: 500 draws × 4 chains × 2 parameters"
end

@testset "a page about draws" begin
    draws = Catena.sample(MODEL, 200; chains = 2, warmup = 200, seed = 3)
    file = tempname() * ".html"
    @test Catena.report(draws, file; title = "A normal & more") == file
    page = read(file, String)
    @test occursin("<title>A normal &amp; more</title>", page)
    @test occursin("2 chains of 200 draws each", page)
    @test occursin("id=\"warmup\"", page) && occursin("id=\"times\"", page)
    @test occursin("\"step_sizes\":[$(draws.chains[1].stepsize)", page)
    # The run's options are told, those that nobody gave among them.
    @test occursin("<dt>delta</dt><dd>0.7</dd>", page) && ("num_warmup" => "200") in draws.settings
    # No warm-up was saved.
    @test occursin("\"paths\":[]", page) && all(isempty, Catena.warmup_step_sizes(draws))
    @test occursin("cannot write", message_of(() -> Catena.report(draws, joinpath(tempdir(), "nowhere", "page.html"))))
end

@testset "warm-up that ends by itself is told from the draws" begin
    asked = (; chains = 6, warmup = 700, seed = 8, thin = 2, warmup_until = true)
    draws = Catena.sample(MODEL, 60; asked..., save_warmup = true)
    ends = [cld(one.iterations - 60, 2) for one in draws.chains]
    @test length(unique(ends)) > 1 && maximum(ends) < 350
    @test [one.warmup_rows for one in draws.chains] == ends == length.(Catena.warmup_step_sizes(draws))
    @test Array(draws) == Array(Catena.sample(MODEL, 60; asked...)) && size(Array(draws))[1:2] == (30, 6)
end

@testset "a page shows the way of the step sizes" begin
    for metric in (:auto, :diag, :low_rank, :unit)
        draws = Catena.sample(MODEL, 50; chains = 2, warmup = 100, seed = 3, metric = metric, save_warmup = true)
        page = read(Catena.report(draws, tempname() * ".html"), String)
        numbers(name) = [parse.(Float64, split(one, ",")) for one in split(match(Regex("\"$name\":\\[\\[(.*?)\\]\\]"), page)[1], "],[")]
        @test numbers("paths") == Catena.warmup_step_sizes(draws) == [draws.warmup[:, c, 3] for c in 1:2]
        @test length(numbers("paths")[1]) == 100 && draws.names[3] == "stepsize__"
        metric === :unit || @test length.(numbers("metrics")) == [2, 2]
        metric === :unit && @test occursin("\"metrics\":[]", page)
    end
end

@testset "files are read back" begin
    draws = Catena.sample(FunctionModel(2, normal!; names = ["mu", "tau"]), 20; seed = 1, chains = 2, warmup = 50, save_warmup = true)
    mktempdir() do folder
        paths = [joinpath(folder, "draws_$c.csv") for c in 1:2]
        write_csv(path, c, rows) = open(path, "w") do io
            println(io, "# max_depth = 10\n# seed = 7\n", join(keys(draws), ","))
            foreach(row -> println(io, join(draws.warmup[row, c, :], ",")), 1:50)
            println(io, "# Adaptation terminated\n# Step size = 0.5")
            println(io, "# Diagonal elements of inverse mass matrix:\n# 1.5, 2.5")
            foreach(row -> println(io, join(draws.values[row, c, :], ",")), rows)
        end
        write_csv(paths[1], 1, 1:20)
        write_csv(paths[2], 2, 1:20)
        read = Catena.read(paths)
        @test read.values == draws.values && keys(read) == keys(draws)
        @test Catena.parameters(read) == ["mu", "tau"]
        @test (read.seed, read.max_depth, read.n) == (7, 10, 20)
        @test all(one -> one.stepsize == 0.5 && one.inv_metric == [1.5, 2.5] && isnan(one.sampling_seconds), read.chains)
        @test Catena.summarize(read).columns == Catena.summarize(draws).columns
        @test Catena.warmup_step_sizes(read) == Catena.warmup_step_sizes(draws) && read.dimension == 2
        page = Base.read(Catena.report(read, joinpath(folder, "page.html")), String)
        @test occursin("\"paths\":[[$(draws.warmup[1, 1, 3]),", page) && occursin("<dt>seed</dt><dd>7</dd>", page)
        write_csv(paths[2], 2, 1:15)
        @test size((@test_logs (:warn, r"20, 15 draws: each was cut to the first 15") Catena.read(paths)), 1) == 15
        write(paths[2], "no draws\n")
        failure = try Catena.read(paths[2]) catch error; error end
        @test failure isa CatenaError && occursin("draws_2.csv", failure.message)
        @test_throws ArgumentError Catena.read(String[])
    end
end
