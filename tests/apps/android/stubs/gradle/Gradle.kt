// Only what the build files of the app use; each script is compiled as the body of a function.
@file:Suppress("UNUSED_PARAMETER")

package gradle

class Provider<T>

class PluginDependency

class MinimalExternalModuleDependency

class Property<T> {
    fun set(value: T) = Unit
}

class PluginDependencySpec {
    infix fun apply(apply: Boolean): PluginDependencySpec = this
}

class PluginDependenciesSpec {
    fun alias(notation: Provider<PluginDependency>): PluginDependencySpec = PluginDependencySpec()
}

fun plugins(block: PluginDependenciesSpec.() -> Unit) = PluginDependenciesSpec().block()

class RepositoryHandler {
    fun google() = Unit

    fun mavenCentral() = Unit

    fun gradlePluginPortal() = Unit
}

class PluginManagementSpec {
    fun repositories(repositoriesAction: RepositoryHandler.() -> Unit) = RepositoryHandler().repositoriesAction()
}

enum class RepositoriesMode { PREFER_PROJECT, PREFER_SETTINGS, FAIL_ON_PROJECT_REPOS }

class DependencyResolutionManagement {
    val repositoriesMode = Property<RepositoriesMode>()

    fun repositories(repositoryConfiguration: RepositoryHandler.() -> Unit) =
        RepositoryHandler().repositoryConfiguration()
}

class ProjectDescriptor {
    var name: String = ""
}

val rootProject = ProjectDescriptor()

fun pluginManagement(block: PluginManagementSpec.() -> Unit) = PluginManagementSpec().block()

fun dependencyResolutionManagement(configuration: DependencyResolutionManagement.() -> Unit) =
    DependencyResolutionManagement().configuration()

fun include(vararg projectPaths: String) = Unit

enum class JavaVersion { VERSION_11, VERSION_17 }

class ApplicationDefaultConfig {
    var applicationId: String? = null
    var minSdk: Int? = null
    var targetSdk: Int? = null
    var versionCode: Int? = null
    var versionName: String? = null
    var testInstrumentationRunner: String? = null
}

class ApplicationBuildFeatures {
    var compose: Boolean? = null
}

class CompileOptions {
    var sourceCompatibility: JavaVersion = JavaVersion.VERSION_11
    var targetCompatibility: JavaVersion = JavaVersion.VERSION_11
}

class AndroidResources {
    val noCompress: MutableCollection<String> = mutableListOf()
}

class JniLibsPackaging {
    val excludes: MutableSet<String> = mutableSetOf()
}

class Packaging {
    fun jniLibs(action: JniLibsPackaging.() -> Unit) = JniLibsPackaging().action()
}

class ApplicationExtension {
    var namespace: String? = null
    var compileSdk: Int? = null

    fun defaultConfig(action: ApplicationDefaultConfig.() -> Unit) = ApplicationDefaultConfig().action()

    fun buildFeatures(action: ApplicationBuildFeatures.() -> Unit) = ApplicationBuildFeatures().action()

    fun compileOptions(action: CompileOptions.() -> Unit) = CompileOptions().action()

    fun packaging(action: Packaging.() -> Unit) = Packaging().action()

    fun androidResources(action: AndroidResources.() -> Unit) = AndroidResources().action()
}

fun android(configure: ApplicationExtension.() -> Unit) = ApplicationExtension().configure()

class DependencyHandlerScope {
    fun platform(notation: Provider<MinimalExternalModuleDependency>) = notation

    fun implementation(dependencyNotation: Provider<MinimalExternalModuleDependency>) = Unit

    fun testImplementation(dependencyNotation: Provider<MinimalExternalModuleDependency>) = Unit

    fun androidTestImplementation(dependencyNotation: Provider<MinimalExternalModuleDependency>) = Unit
}

fun dependencies(configuration: DependencyHandlerScope.() -> Unit) = DependencyHandlerScope().configuration()
