package dev.lectern.cli;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;

/** The arrows between the modules; only the command line sees all of them. */
@AnalyzeClasses(packages = "dev.lectern", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String[] ENGINE = {
        "dev.lectern",
        "dev.lectern.kernel..",
        "dev.lectern.weights..",
        "dev.lectern.model..",
        "dev.lectern.text..",
        "dev.lectern.json..",
        "dev.lectern.kv..",
        "dev.lectern.kept..",
        "dev.lectern.attention..",
        "dev.lectern.prefill..",
        "dev.lectern.comm..",
        "dev.lectern.generate.."
    };

    @ArchTest
    static final ArchRule dependenciesPointOneWay = Architectures.layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("cli")
            .definedBy("dev.lectern.cli..")
            .optionalLayer("measure")
            .definedBy("dev.lectern.measure..")
            .layer("hub")
            .definedBy("dev.lectern.hub..")
            .layer("documents")
            .definedBy("dev.lectern.documents..")
            .layer("engine")
            .definedBy(ENGINE)
            .whereLayer("cli")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("measure")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("hub")
            .mayOnlyBeAccessedByLayers("cli", "measure")
            .whereLayer("documents")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("engine")
            .mayOnlyBeAccessedByLayers("cli", "measure", "hub", "documents");

    @ArchTest
    static final ArchRule modulesHaveNoCycles = SlicesRuleDefinition.slices()
            .matching("dev.lectern.(cli|measure|hub|documents)..")
            .should()
            .beFreeOfCycles();
}
