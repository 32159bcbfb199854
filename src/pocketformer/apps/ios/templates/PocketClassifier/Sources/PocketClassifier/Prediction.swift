/// A text as the model's own tokenizer sees it, padded to the full length.
public struct Tokens: Sendable, Equatable {
    public let ids: [Int32]
    public let mask: [Int32]
    public let types: [Int32]
    /// How many of the ids are real.
    public let count: Int
    /// The signature that made them.
    public let signature: String
    public let milliseconds: Double

    /// The real ids.
    public var realIDs: [Int32] { Array(ids.prefix(count)) }
}

/// What the model says of one text.
public struct Prediction: Sendable, Equatable {
    /// The label with the highest score.
    public let label: String
    /// Its score, 0 to 1.
    public let score: Float
    /// Labels that hold: the best one; where each label has a score of its own, all from 0.5 on.
    public let holding: [String]
    /// In the order of the file's labels.
    public let labels: [String]
    public let scores: [Float]
    public let logits: [Float]
    /// The text was longer than the model reads: its beginning counts.
    public let isCut: Bool
    public let tokens: Tokens
    /// The signature that made the scores.
    public let signature: String
    public let milliseconds: Double

    init(
        file: ModelFile, tokens: Tokens, bytes: Int, signature: String, scores: [Float], logits: [Float],
        milliseconds: Double
    ) {
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        label = file.labels[best]
        score = scores[best]
        holding =
            file.isMultiLabel
            ? file.labels.indices.filter { scores[$0] >= 0.5 }.map { file.labels[$0] }
            : [file.labels[best]]
        labels = file.labels
        self.scores = scores
        self.logits = logits
        isCut = file.isCut(bytes: bytes, tokens: tokens.count)
        self.tokens = tokens
        self.signature = signature
        self.milliseconds = milliseconds
    }
}
