// Core ML's classes as the package uses them, for Linux: pocketformer's evaluator answers, over two named pipes.
// Arrays have gaps between their numbers (a last stride of 2), so that code which forgets strides fails.
import Foundation

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }

public class MLModelConfiguration: NSObject {
    public var computeUnits = MLComputeUnits.all
    public var functionName: String?
}

public enum MLMultiArrayDataType: Int { case double, float32, float16, int32, int8 }

public protocol MLShapedArrayScalar {}
extension Int32: MLShapedArrayScalar {}
extension Float: MLShapedArrayScalar {}
extension Double: MLShapedArrayScalar {}

public class MLMultiArray: NSObject {
    static let gap = 2
    public let shape: [NSNumber]
    public let strides: [NSNumber]
    public let dataType: MLMultiArrayDataType
    let storage: UnsafeMutableRawBufferPointer
    public var count: Int { shape.reduce(1) { $0 * $1.intValue } }

    public init(shape: [NSNumber], dataType: MLMultiArrayDataType) throws {
        self.shape = shape
        self.dataType = dataType
        var strides = [Self.gap]
        for size in shape.dropFirst().reversed() { strides.insert(strides[0] * size.intValue, at: 0) }
        self.strides = strides.map { NSNumber(value: $0) }
        let scalars = shape.reduce(1) { $0 * $1.intValue } * Self.gap
        storage = .allocate(byteCount: scalars * 4, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0x5A)  // what was not written is no zero
    }

    deinit { storage.deallocate() }

    public func withUnsafeMutableBufferPointer<S, R>(
        ofType type: S.Type, _ body: (UnsafeMutableBufferPointer<S>, [Int]) throws -> R
    ) rethrows -> R where S: MLShapedArrayScalar {
        try body(storage.bindMemory(to: type), strides.map(\.intValue))
    }

    public func withUnsafeBufferPointer<S, R>(
        ofType type: S.Type, _ body: (UnsafeBufferPointer<S>) throws -> R
    ) rethrows -> R where S: MLShapedArrayScalar {
        try body(UnsafeBufferPointer(storage.bindMemory(to: type)))
    }
}

public class MLFeatureValue: NSObject {
    public let multiArrayValue: MLMultiArray?
    public init(multiArray value: MLMultiArray) { multiArrayValue = value }
}

public protocol MLFeatureProvider {
    var featureNames: Set<String> { get }
    func featureValue(for featureName: String) -> MLFeatureValue?
}

public class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    let values: [String: MLFeatureValue]
    public var featureNames: Set<String> { Set(values.keys) }
    public init(dictionary: [String: Any]) throws {
        values = dictionary.mapValues { $0 as! MLFeatureValue }
    }
    public func featureValue(for featureName: String) -> MLFeatureValue? { values[featureName] }
}

public class MLModel: NSObject {
    let package: String
    let function: String?

    init(package: String, function: String?) {
        (self.package, self.function) = (package, function)
    }

    /// The compiled form here is a folder that says which package it was made of.
    public static func compileModel(at modelURL: URL) async throws -> URL {
        guard FileManager.default.fileExists(atPath: modelURL.appendingPathComponent("Manifest.json").path) else {
            throw StandInError(message: "\(modelURL.path) is no package.")
        }
        let name = modelURL.deletingPathExtension().lastPathComponent
        let compiled = FileManager.default.temporaryDirectory
            .appendingPathComponent("\(UUID().uuidString)/\(name).mlmodelc")
        try FileManager.default.createDirectory(at: compiled, withIntermediateDirectories: true)
        try Data(modelURL.path.utf8).write(to: compiled.appendingPathComponent("source"))
        return compiled
    }

    public class func load(contentsOf url: URL, configuration: MLModelConfiguration = MLModelConfiguration())
        async throws -> MLModel
    {
        let source = try Data(contentsOf: url.appendingPathComponent("source"))
        let model = MLModel(package: String(decoding: source, as: UTF8.self), function: configuration.functionName)
        _ = try Evaluator.shared.ask(Question(package: model.package, function: model.function, inputs: nil))
        return model
    }

    public func prediction(from input: MLFeatureProvider) throws -> MLFeatureProvider {
        var inputs: [String: Tensor] = [:]
        for name in input.featureNames {
            let array = input.featureValue(for: name)!.multiArrayValue!
            inputs[name] = array.withUnsafeBufferPointer(ofType: Int32.self) { buffer in
                Tensor(
                    dtype: "int32", shape: array.shape.map(\.intValue),
                    values: (0..<array.count).map { Double(buffer[$0 * MLMultiArray.gap]) })
            }
        }
        let answer = try Evaluator.shared.ask(Question(package: package, function: function, inputs: inputs))
        return try MLDictionaryFeatureProvider(
            dictionary: answer.outputs!.mapValues { MLFeatureValue(multiArray: try $0.array()) })
    }

    /// In asynchronous code the compiler prefers this one, as with the real class since iOS 17.
    public func prediction(from input: MLFeatureProvider) async throws -> MLFeatureProvider {
        throw StandInError(message: "The package means the plain prediction(from:).")
    }
}

struct StandInError: LocalizedError {
    let message: String
    var errorDescription: String? { message }
}

private struct Tensor: Codable {
    let dtype: String
    let shape: [Int]
    let values: [Double]

    func array() throws -> MLMultiArray {
        let array = try MLMultiArray(
            shape: shape.map { NSNumber(value: $0) }, dataType: dtype == "int32" ? .int32 : .float32)
        for (place, value) in values.enumerated() {
            if dtype == "int32" {
                array.storage.bindMemory(to: Int32.self)[place * MLMultiArray.gap] = Int32(value)
            } else {
                array.storage.bindMemory(to: Float.self)[place * MLMultiArray.gap] = Float(value)
            }
        }
        return array
    }
}

private struct Question: Codable {
    let package: String
    let function: String?
    let inputs: [String: Tensor]?
}

private struct Answer: Codable {
    let error: String?
    let outputs: [String: Tensor]?
}

/// One question after another; a line of JSON each way.
private final class Evaluator: @unchecked Sendable {
    static let shared = Evaluator()
    private let lock = NSLock()
    private let questions: UnsafeMutablePointer<FILE>
    private let answers: UnsafeMutablePointer<FILE>

    init() {
        guard let folder = ProcessInfo.processInfo.environment["POCKETFORMER_EVALUATOR"] else {
            fatalError("POCKETFORMER_EVALUATOR names the folder of the evaluator's pipes.")
        }
        questions = fopen("\(folder)/questions", "w")
        answers = fopen("\(folder)/answers", "r")
    }

    func ask(_ question: Question) throws -> Answer {
        lock.lock()
        defer { lock.unlock() }
        let line = try JSONEncoder().encode(question) + Data("\n".utf8)
        _ = line.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, questions) }
        fflush(questions)
        var text: UnsafeMutablePointer<CChar>?
        var size = 0
        let length = getline(&text, &size, answers)
        defer { free(text) }
        guard length > 0, let text else { throw StandInError(message: "The evaluator is gone.") }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(bytes: text, count: length))
        if let error = answer.error { throw StandInError(message: error) }
        return answer
    }
}
