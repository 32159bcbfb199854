package androidx.compose.ui.text.font

sealed class FontFamily {
    private class Named : FontFamily()

    companion object {
        val Monospace: FontFamily = Named()
    }
}

class FontStyle

class FontWeight
