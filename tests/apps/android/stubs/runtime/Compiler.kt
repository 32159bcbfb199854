// What the code that Compose's compiler plugin writes calls.
@file:JvmName("ComposerKt")
@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.runtime

annotation class ComposeCompilerApi

internal object ComposeVersion {
    const val version: Int = 20000
}

interface Applier<N>

interface ScopeUpdateScope {
    fun updateScope(block: (Composer, Int) -> Unit)
}

sealed interface Composer {
    val applier: Applier<*>
    val currentMarker: Int
    val defaultsInvalid: Boolean
    val inserting: Boolean
    val skipping: Boolean

    fun changed(value: Any?): Boolean

    fun changed(value: Boolean): Boolean = changed(value as Any?)

    fun changed(value: Char): Boolean = changed(value as Any?)

    fun changed(value: Byte): Boolean = changed(value as Any?)

    fun changed(value: Short): Boolean = changed(value as Any?)

    fun changed(value: Int): Boolean = changed(value as Any?)

    fun changed(value: Float): Boolean = changed(value as Any?)

    fun changed(value: Long): Boolean = changed(value as Any?)

    fun changed(value: Double): Boolean = changed(value as Any?)

    fun changedInstance(value: Any?): Boolean = changed(value)

    fun deactivateToEndGroup(changed: Boolean)

    fun endDefaults()

    fun endMovableGroup()

    fun endNode()

    fun endReplaceGroup()

    fun endReplaceableGroup()

    fun endRestartGroup(): ScopeUpdateScope?

    fun endReusableGroup()

    fun endToMarker(marker: Int)

    fun joinKey(left: Any?, right: Any?): Any

    fun rememberedValue(): Any?

    fun shouldExecute(parametersChanged: Boolean, flags: Int): Boolean

    fun skipCurrentGroup()

    fun skipToGroupEnd()

    fun startDefaults()

    fun startMovableGroup(key: Int, dataKey: Any?)

    fun startReplaceGroup(key: Int)

    fun startReplaceableGroup(key: Int)

    fun startRestartGroup(key: Int): Composer

    fun startReusableGroup(key: Int, dataKey: Any?)

    fun updateRememberedValue(value: Any?)

    companion object {
        val Empty = Any()
    }
}

val currentComposer: Composer get() = TODO()

inline fun <T> Composer.cache(invalid: Boolean, block: () -> T): T = TODO()

fun isTraceInProgress(): Boolean = TODO()

fun sourceInformation(composer: Composer, sourceInformation: String): Unit = TODO()

fun sourceInformationMarkerStart(composer: Composer, key: Int, sourceInformation: String): Unit = TODO()

fun sourceInformationMarkerEnd(composer: Composer): Unit = TODO()

fun traceEventStart(key: Int, dirty1: Int, dirty2: Int, info: String): Unit = TODO()

fun traceEventEnd(): Unit = TODO()
