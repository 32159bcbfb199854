import CoreML
import Foundation

/// One function, ready to run.
///
/// `MLModel` takes one call at a time; the actor `PocketClassifier`, the only one that runs it, sees to that.
final class LoadedFunction: @unchecked Sendable {
    private let function: ModelFile.Function
    private let model: MLModel

    init(_ function: ModelFile.Function, _ model: MLModel) {
        self.function = function
        self.model = model
    }

    /// Runs the function: numbers by input name in, arrays by output name out. Each input is `[1, count]`.
    func run(_ inputs: [String: [Int32]]) throws -> Outputs {
        let arrays = try inputs.mapValues { MLFeatureValue(multiArray: try Self.array($0)) }
        let provider = try MLDictionaryFeatureProvider(dictionary: arrays)
        return Outputs(signature: function.signature, features: try model.prediction(from: provider))
    }

    private static func array(_ values: [Int32]) throws -> MLMultiArray {
        let array = try MLMultiArray(shape: [1, NSNumber(value: values.count)], dataType: .int32)
        array.withUnsafeMutableBufferPointer(ofType: Int32.self) { buffer, strides in
            for (place, value) in values.enumerated() { buffer[place * strides[1]] = value }
        }
        return array
    }
}

/// What a function gave.
struct Outputs {
    let signature: String
    let features: MLFeatureProvider

    /// Returns an output of 32-bit integers, without its batch axis.
    func integers(_ name: String) throws -> [Int32] {
        try values(name, .int32, Int32.self)
    }

    /// Returns an output `[1, count]` of 32-bit floats, without its batch axis.
    func floats(_ name: String, count: Int) throws -> [Float] {
        let values = try values(name, .float32, Float.self)
        guard values.count == count else { throw ClassifierError.unexpected(name, signature) }
        return values
    }

    private func values<Scalar: MLShapedArrayScalar>(
        _ name: String, _ type: MLMultiArrayDataType, _ scalar: Scalar.Type
    ) throws -> [Scalar] {
        guard let array = features.featureValue(for: name)?.multiArrayValue, array.dataType == type,
            let count = array.shape.last?.intValue, let stride = array.strides.last?.intValue
        else { throw ClassifierError.unexpected(name, signature) }
        return array.withUnsafeBufferPointer(ofType: scalar) { buffer in
            (0..<count).map { buffer[$0 * stride] }
        }
    }
}
