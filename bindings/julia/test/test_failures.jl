struct Unwanted <: Exception
    at::Float64
end

# Its name is looked for in the backtrace.
throw_in_model(x) = throw(Unwanted(x))

@testset "an exception in the model is thrown again, with its backtrace" begin
    count = Ref(0)
    model = FunctionModel(2, (g, x) -> ((count[] += 1) == 300 && throw_in_model(count[]); normal!(g, x)))
    stack = try
        Catena.sample(model, 1000; seed = 1, callbacks = :caller)
        []
    catch
        Base.catch_stack()
    end
    @test length(stack) == 2
    @test first(stack[2]) == Unwanted(300)
    cause = first(stack[1])
    @test cause isa CapturedException
    @test occursin("throw_in_model", sprint(showerror, cause))
    # Nothing was evaluated after it.
    @test count[] == 300
    # And the next run is well.
    @test size(Catena.sample(MODEL, 10; warmup = 10)) == (10, 4, 2)
end

@testset "an exception in the outputs" begin
    model = FunctionModel(2, normal!; outputs = ["a"], constrain! = (out, x) -> throw(Unwanted(0)))
    @test_throws Unwanted Catena.sample(model, 100; warmup = 10)
end

@testset "an exception outside of a run" begin
    @test_throws Unwanted Catena.log_density_gradient(FunctionModel(1, (g, x) -> throw(Unwanted(0))), [0.0])
end

@testset "a function that is not what it should be" begin
    @test occursin("return a number", message_of(() -> Catena.sample(FunctionModel(1, (g, x) -> nothing), 10)))
    @test occursin("length", message_of(() -> Catena.sample(FunctionModel(1, (g, x) -> (push!(g, 0.0); 0.0)), 10)))
    # A derivative that was not written is NaN, so no initial point is found.
    forgetful = FunctionModel(2, (g, x) -> (g[1] = -x[1]; -0.5 * sum(abs2, x)))
    exception = try
        Catena.sample(forgetful, 10; chains = 1)
    catch exception
        exception
    end
    @test exception isa CatenaError
    @test exception.status == :initialization
    @test exception.chain == 1
end

@testset "interrupted inside the model" begin
    Base.exit_on_sigint(false)
    count = Ref(0)
    model = FunctionModel(2, function (g, x)
        (count[] += 1) == 1000 && signal_self()
        normal!(g, x)
    end)
    @test_throws InterruptException Catena.sample(model, 1; warmup = 10^9, callbacks = :caller)
    @test count[] >= 1000
end

@testset "what was drawn before Ctrl-C is kept" begin
    Base.exit_on_sigint(false)
    whole = Catena.sample(MODEL, 200; warmup = 20, seed = 5)
    @test_throws ArgumentError Catena.last_draws()
    count = Ref(0)
    # Ctrl-C comes inside an evaluation, which it breaks off.
    model = FunctionModel(2, function (g, x)
        (count[] += 1) == 1000 && (signal_self(); sleep(10))
        normal!(g, x)
    end)
    said(f) = @test_logs (:info, r"at least [1-9][0-9]* draws of 1000000;") match_mode = :any f()
    options = (warmup = 20, seed = 5, callbacks = :caller, check_gradient = false)
    @test said(() -> try
        Catena.sample(model, 10^6; options...)
    catch exception
        exception isa InterruptException
    end)
    part = Catena.last_draws()
    @test isempty(part.failures)
    @test all(report -> report.status == :interrupted && report.rows > 0, part.chains)
    some = min(200, minimum(report.rows for report in part.chains))
    @test part.values[1:some, :, :] == whole.values[1:some, :, :]
    # Gone on with, and interrupted again.
    count[] = 0
    @test said(() -> try
        Catena.resume(model, part)
    catch exception
        exception isa InterruptException
    end)
    more = Catena.last_draws()
    @test all(more.chains[i].rows > part.chains[i].rows for i in 1:4)
    some = min(200, minimum(report.rows for report in more.chains))
    @test more.values[1:some, :, :] == whole.values[1:some, :, :]
end

@testset "interrupted inside a loop of the model's that doesn't end" begin
    Base.exit_on_sigint(false)
    model = FunctionModel(2, function (g, x)
        signal_self()
        while true
            sleep(0.01)
        end
    end)
    @test_throws InterruptException Catena.sample(model, 10; callbacks = :caller)
end
