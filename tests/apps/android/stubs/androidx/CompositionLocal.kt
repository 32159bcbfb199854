package androidx.compose.runtime

@Stable
sealed class CompositionLocal<T> {
    val current: T
        @ReadOnlyComposable @Composable get() = TODO()
}

abstract class ProvidableCompositionLocal<T> internal constructor() : CompositionLocal<T>()
