import Foundation

/// The edition's golden texts, with the ids and scores that every platform has to give.
public struct Golden: Decodable, Sendable {
    public struct Case: Decodable, Sendable {
        /// The text's bytes, which need not be valid UTF-8.
        public let content: Data
        public let inputIDs: [Int32]
        public let isCut: Bool
        public let scores: [Float]

        private enum CodingKeys: String, CodingKey {
            case content = "bytes"
            case inputIDs = "input_ids"
            case isCut = "truncated"
            case scores
        }
    }

    public let labels: [String]
    public let cases: [Case]

    /// Reads the golden.json of this package.
    public static func load() throws -> Golden {
        guard let url = Bundle.module.url(forResource: "golden", withExtension: "json") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    }
}
