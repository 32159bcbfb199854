import CoreML
import Foundation

/// Loads a file's functions, each when it is first asked for, and keeps them.
actor FunctionStore {
    private let file: ModelFile
    private let computeUnits: MLComputeUnits
    private let models: CompiledModels
    private var loading: [ModelFile.Function: Task<LoadedFunction, Error>] = [:]

    init(file: ModelFile, computeUnits: MLComputeUnits) {
        self.file = file
        self.computeUnits = computeUnits
        models = CompiledModels(file: file)
    }

    /// Returns a function; two calls at once load it once, and a failed load is tried again by the next call.
    func loaded(_ function: ModelFile.Function) async throws -> LoadedFunction {
        if let task = loading[function] { return try await task.value }
        let units = file.tokenizers.contains(function) ? MLComputeUnits.cpuOnly : computeUnits
        let task = Task { [models] in try await Self.load(function, units: units, from: models) }
        loading[function] = task
        do {
            return try await task.value
        } catch {
            loading[function] = nil
            throw error
        }
    }

    private static func load(
        _ function: ModelFile.Function, units: MLComputeUnits, from models: CompiledModels
    ) async throws -> LoadedFunction {
        let compiled = try await models.url(of: function.package)
        do {
            return try await open(function, at: compiled, units: units)
        } catch {
            // What was kept may be damaged, or of an older system: compile once more.
            let again = try await models.compiledAnew(function.package)
            return try await open(function, at: again, units: units)
        }
    }

    private static func open(
        _ function: ModelFile.Function, at url: URL, units: MLComputeUnits
    ) async throws -> LoadedFunction {
        let configuration = MLModelConfiguration()
        configuration.computeUnits = units
        if let name = function.name {
            guard #available(iOS 18.0, macOS 15.0, *) else { throw ClassifierError.tooOld(function.package) }
            configuration.functionName = name
        }
        return LoadedFunction(function, try await MLModel.load(contentsOf: url, configuration: configuration))
    }
}
