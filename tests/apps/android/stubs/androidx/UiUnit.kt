package androidx.compose.ui.unit

@JvmInline
value class Dp(val value: Float) {
    companion object {
        val Unspecified = Dp(Float.NaN)
    }
}

inline val Int.dp: Dp get() = Dp(this.toFloat())

@JvmInline
value class TextUnit internal constructor(internal val packedValue: Long) {
    companion object {
        val Unspecified = TextUnit(0L)
    }
}
