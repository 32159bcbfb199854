@file:JvmName("ComposableLambdaKt")
@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.runtime.internal

import androidx.compose.runtime.Composable
import androidx.compose.runtime.Composer

@Target(AnnotationTarget.CLASS)
annotation class StabilityInferred(val parameters: Int)

interface ComposableLambda :
    (Composer, Int) -> Any?,
    (Any?, Composer, Int) -> Any?

fun composableLambda(composer: Composer, key: Int, tracked: Boolean, block: Any): ComposableLambda = TODO()

fun composableLambdaInstance(key: Int, tracked: Boolean, block: Any): ComposableLambda = TODO()

@Composable
fun rememberComposableLambda(key: Int, tracked: Boolean, block: Any): ComposableLambda = TODO()
