package androidx.compose.ui.text.style

@JvmInline
value class TextOverflow(internal val value: Int) {
    companion object {
        val Clip = TextOverflow(1)
        val Ellipsis = TextOverflow(2)
    }
}

class TextDecoration

class TextAlign
