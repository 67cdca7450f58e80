package dev.lectern.hub;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The models a user can name: those of the catalogue, those of Hugging Face, and those that are here.
 *
 * <p>A model is named by a catalogue name, by a path, or by {@code hf:OWNER/REPO[:FILE]}. What was pulled lies in a cache
 * folder that any number of programs may share.
 */
public final class Hub {
    private final Catalogue catalogue;
    private final CacheFolder cache;
    private final Environment environment;

    /**
     * @param cacheFolder where models are kept; made when something is pulled
     * @param environment the machine around
     */
    public Hub(Path cacheFolder, Environment environment) {
        this(cacheFolder, environment, Catalogue.load());
    }

    Hub(Path cacheFolder, Environment environment, Catalogue catalogue) {
        this.catalogue = catalogue;
        this.cache = new CacheFolder(cacheFolder.toAbsolutePath().normalize(), environment.usableSpace());
        this.environment = environment;
    }

    /** The hub of this machine and user. */
    public static Hub system() {
        Environment environment = Environment.system();
        return new Hub(environment.cacheFolder(), environment);
    }

    /** The models that can be had by name. */
    public Catalogue catalogue() {
        return catalogue;
    }

    /** Where models are kept. */
    public Path cacheFolder() {
        return cache.root();
    }

    /**
     * Where the model is that a user named.
     *
     * @return the path to open; empty if the model is not here but can be pulled
     * @throws LecternException of kind {@code NOT_FOUND} for a path without a file or an unknown name, {@code BAD_OPTION}
     *     for a name that can mean several models
     */
    public Optional<Path> resolve(String spec) {
        ModelSpec model = ModelSpec.parse(spec, catalogue);
        if (model instanceof ModelSpec.Local(Path path)) {
            if (!Files.exists(path)) {
                throw new LecternException(
                        LecternException.Kind.NOT_FOUND,
                        "There is no file or folder " + FileNames.shown(path.toString()) + ". "
                                + "\"lectern models\" lists the models that have a name.");
            }
            return Optional.of(path);
        }
        return installed(model).map(Installed::path);
    }

    /**
     * What is known of a model that was pulled: its name, its SHA-256, where it came from.
     *
     * @param spec a name, or the path of a model in the cache folder
     * @return empty if the model was not pulled
     */
    public Optional<PullRecord> record(String spec) {
        ModelSpec model = ModelSpec.parse(spec, catalogue);
        if (model instanceof ModelSpec.Local(Path path)) {
            Path sought = path.toAbsolutePath().normalize();
            return installed().stream()
                    .filter(candidate -> candidate.path().equals(sought))
                    .map(Installed::record)
                    .findFirst();
        }
        return installed(model).map(Installed::record);
    }

    /**
     * Where a repacked copy of a model's weights is kept: beside a model that was pulled, so that it goes when the model is removed; for a file of the user's own in a folder for
     * all of these.
     */
    public Path repackFolder(Path model) {
        return cache.besides(model, "repacked");
    }

    /** Where is kept what methods of attention have learned of a model; as {@link #repackFolder} is, in another folder for files of the user's own. */
    public Path calibrationFolder(Path model) {
        return cache.besides(model, "calibrated");
    }

    /** Every model that was pulled, in the order of their folders. */
    public List<Installed> installed() {
        return cache.below("");
    }

    /**
     * Brings a model here, unless it is here already: from its first source that works. What has arrived of a pull that
     * failed or was stopped is used by the next.
     *
     * @param spec a catalogue name or {@code hf:OWNER/REPO[:FILE]}
     * @param progress bytes done and in all
     * @param notes told in sentences what happens on the way: a source that fails, a wait for another pull
     * @param cancellation the request to stop
     * @throws LecternException of kind {@code NO_NETWORK} if no source works, {@code CHECKSUM} if a source gave other bytes,
     *     {@code NO_SPACE}, {@code NOT_FOUND}, {@code BAD_OPTION} or {@code CANCELLED}
     */
    public Installed pull(String spec, Progress progress, Consumer<String> notes, Cancellation cancellation) {
        Caller caller = new Caller(progress, notes, cancellation).monotone();
        ModelSpec model = ModelSpec.parse(spec, catalogue);
        Optional<Installed> here = installed(model);
        if (here.isPresent()) {
            return here.get();
        }
        Pull pull = new Pull(cache, environment, caller);
        return switch (model) {
            case ModelSpec.Named(CatalogueEntry entry) -> pull.named(entry);
            case ModelSpec.Remote remote -> pull.remote(remote);
            case ModelSpec.Local(Path path) ->
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        FileNames.shown(path.toString())
                                + " is a path: only a name of the catalogue or hf:OWNER/REPO[:FILE] can be pulled.");
        };
    }

    /**
     * Removes a model that was pulled.
     *
     * @param name as {@link #installed()} gives it, or as it was pulled
     * @return the bytes that were freed
     * @throws LecternException of kind {@code NOT_FOUND} if it is not here
     */
    public long remove(String name) {
        Optional<Installed> model = installed().stream()
                .filter(candidate -> candidate.record().name().equals(name))
                .findFirst();
        if (model.isEmpty()) {
            ModelSpec spec = ModelSpec.parse(name, catalogue);
            model = spec instanceof ModelSpec.Local ? Optional.empty() : installed(spec);
        }
        if (model.isEmpty()) {
            String names = installed().stream()
                    .map(candidate -> candidate.record().name())
                    .collect(Collectors.joining(", "));
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND,
                    FileNames.shown(name) + " was not pulled, so there is nothing to remove; "
                            + (names.isEmpty() ? "no model was." : "these were: " + names + "."));
        }
        cache.remove(model.get());
        return model.get().record().bytes();
    }

    private Optional<Installed> installed(ModelSpec model) {
        return switch (model) {
            case ModelSpec.Named(CatalogueEntry entry) ->
                // A later catalogue may mean other bytes by the same name.
                cache.installed(entry.name())
                        .filter(found -> found.record().sha256().equals(entry.sha256()));
            case ModelSpec.Remote remote
            when remote.file().isPresent() ->
                cache.installed(remote.folder() + "/"
                        + RepositoryFiles.folder(remote.file().get()));
            case ModelSpec.Remote remote -> single(remote);
            case ModelSpec.Local _ -> Optional.empty();
        };
    }

    /** The only model that was pulled from a repository. */
    private Optional<Installed> single(ModelSpec.Remote remote) {
        List<Installed> found = cache.below(remote.folder());
        if (found.size() > 1) {
            String names =
                    found.stream().map(candidate -> candidate.record().name()).collect(Collectors.joining(", "));
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    remote + " can mean several models that are here: " + names + ".");
        }
        return found.stream().findFirst();
    }
}
