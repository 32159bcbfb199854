package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

abstract class JniHandle internal constructor(internal val handle: Long) : AutoCloseable {
    protected abstract fun destroy()

    final override fun close() = Unit
}

class Environment private constructor(handle: Long) : JniHandle(handle) {
    override fun destroy() = Unit
}

class TensorBuffer internal constructor(handle: Long) : JniHandle(handle) {
    fun writeInt(data: IntArray): Unit = TODO()

    fun writeFloat(data: FloatArray): Unit = TODO()

    fun readInt(): IntArray = TODO()

    fun readFloat(): FloatArray = TODO()

    override fun destroy() = Unit
}

class CompiledModel private constructor(handle: Long) : JniHandle(handle) {
    data class CpuOptions(
        val numThreads: Int? = null,
        val xnnPackFlags: Int? = null,
        val xnnPackWeightCachePath: String? = null,
    )

    class Options(internal val accelerators: Set<Accelerator>) {
        constructor(vararg accelerators: Accelerator) : this(setOf(*accelerators))

        var cpuOptions: CpuOptions? = null

        companion object {
            @JvmStatic val CPU = Options(Accelerator.CPU)
        }
    }

    fun createInputBuffer(inputName: String, signature: String = ""): TensorBuffer = TODO()

    fun createOutputBuffer(outputName: String, signature: String = ""): TensorBuffer = TODO()

    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> = TODO()

    fun createInputBuffers(signature: String): List<TensorBuffer> = TODO()

    fun run(inputs: List<TensorBuffer>, signature: String): List<TensorBuffer> = TODO()

    fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signature: String): Unit = TODO()

    fun run(
        inputs: Map<String, TensorBuffer>,
        outputs: Map<String, TensorBuffer>,
        signature: String = "",
    ): Unit = TODO()

    override fun destroy() = Unit

    companion object {
        @JvmOverloads
        @JvmStatic
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()

        @JvmOverloads
        @JvmStatic
        fun create(
            filePath: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = TODO()
    }
}
