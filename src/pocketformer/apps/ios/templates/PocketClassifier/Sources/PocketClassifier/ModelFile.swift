/// What is known of a model file before it is opened: its labels, and which function takes how much.
public struct ModelFile: Sendable {
    /// One entry point of the file. It has one size; a text goes to the shortest that holds it.
    public struct Function: Sendable, Hashable {
        /// The signature's name, as in `edition.json`: "classify_32".
        public let signature: String
        /// Name of the package that holds it.
        public let package: String
        /// Its name within the package; nil where it is the package's only function, as before iOS 18.
        public let name: String?
        /// How much it takes: bytes of text, or tokens.
        public let size: Int

        public init(signature: String, package: String, name: String?, size: Int) {
            self.signature = signature
            self.package = package
            self.name = name
            self.size = size
        }
    }

    /// Names of the file's inputs and outputs.
    public enum Feature {
        public static let text = "text"
        public static let ids = "input_ids"
        public static let mask = "attention_mask"
        public static let types = "token_type_ids"
        public static let length = "length"
        public static let scores = "scores"
        public static let logits = "logits"
    }

    /// Name of the edition.
    public let name: String
    /// Name of the file's plan: "int8".
    public let precision: String
    /// Of the file's bytes; a compiled model is kept under it.
    public let sha256: String
    /// In the order of the scores.
    public let labels: [String]
    /// Whether each label has a score of its own, instead of all sharing 1.
    public let isMultiLabel: Bool
    /// The largest difference to a golden score that the precision allows.
    public let scoreTolerance: Float
    /// Functions from text to ids, ascending by bytes.
    public let tokenizers: [Function]
    /// Functions from ids to scores, ascending by tokens.
    public let classifiers: [Function]

    public init(
        name: String, precision: String, sha256: String, labels: [String], isMultiLabel: Bool,
        scoreTolerance: Float, tokenizers: [Function], classifiers: [Function]
    ) {
        precondition(!tokenizers.isEmpty && !classifiers.isEmpty, "A model file needs functions of both kinds.")
        self.name = name
        self.precision = precision
        self.sha256 = sha256
        self.labels = labels
        self.isMultiLabel = isMultiLabel
        self.scoreTolerance = scoreTolerance
        self.tokenizers = tokenizers
        self.classifiers = classifiers
    }

    /// Returns the shortest function that reads so many bytes, else the longest there is.
    public func tokenizer(holding bytes: Int) -> Function {
        tokenizers.first { $0.size >= bytes } ?? tokenizers[tokenizers.count - 1]
    }

    /// Returns the shortest function that reads so many tokens, else the longest there is.
    public func classifier(holding tokens: Int) -> Function {
        classifiers.first { $0.size >= tokens } ?? classifiers[classifiers.count - 1]
    }

    /// Whether only the beginning of a text counts.
    public func isCut(bytes: Int, tokens: Int) -> Bool {
        bytes > tokenizers[tokenizers.count - 1].size || tokens >= classifiers[classifiers.count - 1].size
    }
}
