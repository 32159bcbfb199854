package androidx.compose.runtime

internal fun updateChangedFlags(flags: Int): Int = flags
