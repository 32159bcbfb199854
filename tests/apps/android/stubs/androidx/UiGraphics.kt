package androidx.compose.ui.graphics

@JvmInline
value class Color(val value: ULong) {
    companion object {
        val Unspecified = Color(0uL)
    }
}

interface Shape

object RectangleShape : Shape

@JvmInline
value class StrokeCap internal constructor(val value: Int) {
    companion object {
        val Round = StrokeCap(1)
    }
}
