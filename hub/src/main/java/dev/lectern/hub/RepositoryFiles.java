package dev.lectern.hub;

import dev.lectern.LecternException;
import dev.lectern.hub.HuggingFace.Entry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The files of a repository that are one model: a GGUF file with its further shards, or the safetensors with their
 * configuration and tokenizer.
 *
 * @param name what the choice is called below the repository: the GGUF file, or {@code safetensors}
 * @param open what a reader opens: the first shard, or {@code .} for the folder
 * @param files in the order of their names
 */
record RepositoryFiles(String name, String open, List<Entry> files) {
    /** The name of the choice that is no GGUF file. */
    static final String SAFETENSORS = "safetensors";

    private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final Pattern BESIDE_WEIGHTS = Pattern.compile(
            "config\\.json|generation_config\\.json|tokenizer[^/]*\\.(json|model)|special_tokens_map\\.json|added_tokens\\.json"
                    + "|chat_template\\.(json|jinja)|vocab\\.json|merges\\.txt|[^/]+\\.safetensors\\.index\\.json");
    private static final int MANY = 500;
    private static final int SHOWN = 20;

    RepositoryFiles {
        files = List.copyOf(files);
    }

    /**
     * Chooses from a listing.
     *
     * @param spec names a GGUF file, or means the only model that is there
     * @param listing all files of the repository
     * @throws LecternException of kind {@code NOT_FOUND} if there is no such model, {@code BAD_OPTION} if there are several
     * @throws SourceFailedException if a file has a name that would not stay in its folder
     */
    static RepositoryFiles choose(ModelSpec.Remote spec, List<Entry> listing) throws SourceFailedException {
        Map<String, List<Entry>> ggufs = ggufs(listing);
        Optional<String> wanted = spec.file();
        if (wanted.isPresent()) {
            List<Entry> files = ggufs.values().stream()
                    .filter(group -> group.stream().anyMatch(file -> file.path().equals(wanted.get())))
                    .findFirst()
                    .orElseThrow(() -> new LecternException(
                            LecternException.Kind.NOT_FOUND,
                            "hf:" + spec.name() + " has no file " + wanted.get() + listed("; it has ", ggufs) + "."));
            return checked(spec, wanted.get(), files.getFirst().path(), files);
        }
        if (ggufs.size() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "hf:" + spec.name() + " holds several models: name one as hf:" + spec.name() + ":FILE"
                            + listed(", FILE being one of ", ggufs) + ".");
        }
        if (ggufs.size() == 1) {
            List<Entry> files = ggufs.values().iterator().next();
            return checked(spec, files.getFirst().path(), files.getFirst().path(), files);
        }
        return checked(spec, SAFETENSORS, ".", safetensors(spec, listing));
    }

    /** The name of a folder for this choice: no slash is in it. */
    static String folder(String name) {
        return name.replace("/", "--");
    }

    private static Map<String, List<Entry>> ggufs(List<Entry> listing) {
        Map<String, List<Entry>> groups = new TreeMap<>();
        for (Entry entry : byName(listing)) {
            if (entry.path().endsWith(".gguf")) {
                Matcher shard = SHARD.matcher(entry.path());
                String group = shard.matches() ? shard.group(1) + " of " + shard.group(3) : entry.path();
                groups.computeIfAbsent(group, name -> new ArrayList<>()).add(entry);
            }
        }
        return groups;
    }

    private static List<Entry> safetensors(ModelSpec.Remote spec, List<Entry> listing) {
        List<Entry> weights = byName(listing).stream()
                .filter(entry ->
                        entry.path().endsWith(".safetensors") && !entry.path().contains("/"))
                .toList();
        boolean configured = listing.stream().anyMatch(entry -> entry.path().equals("config.json"));
        if (weights.isEmpty() || !configured) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND,
                    "hf:" + spec.name()
                            + " holds no model that Lectern reads: neither a GGUF file nor safetensors with a"
                            + " config.json.");
        }
        // Some repositories hold the same weights twice, once as model*.safetensors and once under the names of their
        // makers.
        List<Entry> usual = weights.stream()
                .filter(entry -> entry.path().startsWith("model"))
                .toList();
        List<Entry> chosen = new ArrayList<>(usual.isEmpty() ? weights : usual);
        listing.stream()
                .filter(entry -> BESIDE_WEIGHTS.matcher(entry.path()).matches())
                .forEach(chosen::add);
        return byName(chosen);
    }

    private static List<Entry> byName(List<Entry> entries) {
        return entries.stream().sorted(Comparator.comparing(Entry::path)).toList();
    }

    private static RepositoryFiles checked(ModelSpec.Remote spec, String name, String open, List<Entry> files)
            throws SourceFailedException {
        if (files.size() > MANY) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "hf:" + spec.name() + " has more than " + MANY + " files");
        }
        for (int i = 0; i < files.size(); i++) {
            String path = files.get(i).path();
            boolean twice = i > 0 && files.get(i - 1).path().equals(path);
            if (!FileNames.isSafe(path) || path.equals(PullRecord.FILE) || twice) {
                throw new SourceFailedException(
                        LecternException.Kind.NO_NETWORK,
                        "its list of files has the name \"" + FileNames.shown(path) + "\", which is not accepted");
            }
            Matcher shard = SHARD.matcher(path);
            if (shard.matches() && Integer.parseInt(shard.group(3)) != files.size()) {
                throw new SourceFailedException(
                        LecternException.Kind.NOT_FOUND,
                        "it has " + files.size() + " of the " + Integer.parseInt(shard.group(3)) + " shards of "
                                + FileNames.shown(path));
            }
        }
        return new RepositoryFiles(name, open, files);
    }

    private static String listed(String before, Map<String, List<Entry>> ggufs) {
        if (ggufs.isEmpty()) {
            return "";
        }
        String names = ggufs.values().stream()
                .limit(SHOWN)
                .map(group -> FileNames.shown(group.getFirst().path()))
                .collect(Collectors.joining(", "));
        return before + names + (ggufs.size() > SHOWN ? " and " + (ggufs.size() - SHOWN) + " more" : "");
    }
}
