/// A text as a `text` input takes it: UTF-8 bytes, cut to size at a character, zero padded.
public enum TextBytes {
    /// Returns the bytes that are read of a text: all, or those before the character that crosses `limit`.
    ///
    /// Bytes that are no valid UTF-8 pass through: the model reads each such place as U+FFFD.
    public static func cut(_ bytes: [UInt8], to limit: Int) -> [UInt8] {
        guard bytes.count > limit else { return bytes }
        // A character has at most four bytes, so one that crosses the limit starts in the last three before it.
        for start in stride(from: limit - 1, through: max(limit - 3, 0), by: -1) {
            if let width = width(ofCharacterAt: start, in: bytes), start + width > limit {
                return Array(bytes[..<start])
            }
        }
        return Array(bytes[..<limit])
    }

    /// Returns `size` numbers: the bytes, then zeros.
    public static func padded(_ bytes: [UInt8], to size: Int) -> [Int32] {
        bytes.map(Int32.init) + Array(repeating: 0, count: size - bytes.count)
    }

    /// Returns how many bytes the valid character at a place has; nil where none begins.
    private static func width(ofCharacterAt start: Int, in bytes: [UInt8]) -> Int? {
        var rest = bytes[start..<min(start + 4, bytes.count)].makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&rest) else { return nil }
        return UTF8.width(scalar)
    }
}
