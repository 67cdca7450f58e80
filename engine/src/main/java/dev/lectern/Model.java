package dev.lectern;

import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.attention.CalibrationSource;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Retentions;
import dev.lectern.comm.Communicator;
import dev.lectern.kept.Fingerprint;
import dev.lectern.kept.Hash;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KeyNorms;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import dev.lectern.model.Config;
import dev.lectern.model.Decoder;
import dev.lectern.model.Families;
import dev.lectern.model.RopeScaling;
import dev.lectern.model.State;
import dev.lectern.prefill.Forward;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Prefills;
import dev.lectern.text.ChatMessage;
import dev.lectern.text.ChatPrompt;
import dev.lectern.text.ChatTemplate;
import dev.lectern.text.Detokenizer;
import dev.lectern.text.Tokenizer;
import dev.lectern.text.Tokenizers;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import dev.lectern.weights.WeightsDigest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * An open language model. Cheap to open: the weights are mapped, not read. {@snippet :
 * try (Model model = Model.open(Path.of("model.gguf"), ModelOptions.DEFAULT);
 *         Session session = model.newSession(SessionOptions.DEFAULT)) {
 *     session.read(model.tokenize("The capital of France is"), Progress.NONE, new Cancellation());
 *     session.generate(GenerateOptions.DEFAULT, (answer, token, text) -> System.out.print(text), new Cancellation());
 * }
 * }
 *
 * <p>Sessions of one model may live on different threads; their steps run one after the other.
 */
public final class Model implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.lectern");

    /** Raised whenever the numbers in a cache come out otherwise than before, however little: what was kept is not used then. */
    private static final int NUMERICS = 2;

    /** Raised whenever what is kept is laid out otherwise than before. */
    private static final int KEPT_FORMAT = 2;

    private final ModelFile file;
    private final Optional<Path> calibrations;
    private final AtomicBoolean warned = new AtomicBoolean();
    private final Decoder decoder;
    private final Tokenizer tokenizer;
    private final Workers workers;
    private final Forward forward;
    private final boolean ownsWeights;
    private String digest = ""; // of the weights; not computed yet

    private Model(ModelFile file, ModelOptions options) {
        this.file = file;
        calibrations = options.calibrations();
        Config config = scaled(Families.config(file), options);
        tokenizer = file.format().equals("gguf")
                ? Tokenizers.fromMetadata(file.metadata())
                : Tokenizers.fromFolder(file.path());
        if (tokenizer.size() > config.vocabulary()) {
            throw new BadModelFileException(
                    file.path().toString(),
                    "the tokenizer has " + tokenizer.size() + " tokens, but the model embeds only "
                            + config.vocabulary() + ".");
        }
        decoder = Families.open(file, config);
        workers = new Workers(threads(options));
        forward = new Forward(decoder, workers);
        ownsWeights = true;
    }

    private Model(Model other, int threads) {
        file = other.file;
        calibrations = other.calibrations;
        tokenizer = other.tokenizer;
        decoder = other.decoder;
        digest = other.digest();
        workers = new Workers(threads);
        forward = new Forward(decoder, workers);
        ownsWeights = false;
    }

    /**
     * The same weights with threads of its own, so that both can compute at once: for ranks that are threads of one process.
     *
     * @param threads that compute
     * @return to be closed before this one
     */
    public Model sibling(int threads) {
        return new Model(this, threads);
    }

    /**
     * Opens a model.
     *
     * @param path a GGUF file (of a sharded one: any shard), or a Hugging Face folder
     * @throws LecternException if it is not there, damaged or not supported
     */
    public static Model open(Path path, ModelOptions options) {
        return open(path, options, Progress.NONE, new Cancellation());
    }

    /**
     * Opens a model whose weights may have to be repacked first.
     *
     * @param progress in bytes, while weights are repacked; not told anything otherwise
     * @throws LecternException as {@link #open(Path, ModelOptions)} does; of kind {@code CANCELLED} on request
     */
    public static Model open(Path path, ModelOptions options, Progress progress, Cancellation cancellation) {
        ModelFile file = ModelFiles.open(path);
        try {
            if (options.repack().isPresent()) {
                file = ModelFiles.repacked(file, options.repack().get(), threads(options), progress, cancellation);
            }
            return new Model(file, options);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static int threads(ModelOptions options) {
        return options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    }

    /** The shape of a model whose positions may be stretched. */
    static Config scaled(Config config, ModelOptions options) {
        if (options.ropeScaling().isEmpty()) {
            return config;
        }
        if (config.rope().dims() == 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--rope-scaling: this model learned its positions and rotates nothing.");
        }
        double stretched = config.rope().scaling() instanceof RopeScaling.Dynamic dynamic ? dynamic.factor() : 1;
        int trained = (int) Math.round(config.context() / stretched);
        RopeScaling scaling = RopeScaling.parse(options.ropeScaling().get(), trained);
        int context = (int) Math.min(Integer.MAX_VALUE, Math.round(trained * scaling.stretch()));
        return config.withRope(config.rope().withScaling(scaling), context);
    }

    /** The file or folder it was opened from. */
    public Path path() {
        return file.path();
    }

    /** Tokens that a session can hold. */
    public int context() {
        return decoder.config().context();
    }

    /** Numbers in the logits of a token: at least as many as the tokenizer has tokens. */
    public int vocabulary() {
        return decoder.config().vocabulary();
    }

    /** The shape of its attention. */
    public AttentionShape attentionShape() {
        Config config = decoder.config();
        return new AttentionShape(config.heads(), config.kvHeads(), config.headDim(), config.windows());
    }

    /** Threads that compute. */
    public int threads() {
        return workers.threads();
    }

    /** Text to tokens and back. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /**
     * How conversations are written for this model, if it says so.
     *
     * <p>A template outside the supported subset is refused when it is used; everything else works without it.
     */
    public Optional<ChatTemplate> chatTemplate() {
        return file.format().equals("gguf")
                ? ChatTemplate.fromMetadata(file.metadata())
                : ChatTemplate.fromFolder(file.path());
    }

    /**
     * The tokens of a question about documents, as the model's own template writes a conversation, up to where the answer begins. The texts
     * follow each other as they are, the question last, and what is written in them never counts as special tokens. The tokens up to the end
     * of the last document do not depend on the question: two prompts about the same documents begin with the same tokens, so that a session
     * which has read them can be forked.
     *
     * @param system what the model is told about its task; empty for what the template says by itself
     * @throws LecternException of kind {@code BAD_OPTION} if the model has no template, or its template refuses such a conversation or leaves the
     *     system text out; of kind {@code BAD_MODEL_FILE} if the template fails, or leaves out a document or the question
     */
    public int[] chat(String system, List<String> documents, String question) {
        ChatTemplate template = chatTemplate()
                .orElseThrow(() -> new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        path() + " has no chat template, so it was not made for conversations: use a model whose name"
                                + " says instruct or chat."));
        List<ChatMessage> messages = new ArrayList<>();
        if (!system.isEmpty()) {
            messages.add(new ChatMessage("system", system));
        }
        List<String> parts = new ArrayList<>(documents);
        parts.add(question);
        messages.add(new ChatMessage("user", parts, Optional.empty(), Map.of()));
        return ChatPrompt.of(template, tokenizer, messages, Map.of(), true).ids();
    }

    /** The tokens of a text; nothing added, special tokens not recognised. */
    public int[] tokenize(String text) {
        return tokenizer.encode(text, false).ids();
    }

    /** The text of tokens, without control tokens. */
    public String detokenize(int[] tokens) {
        return Detokenizer.text(tokenizer, tokens);
    }

    /**
     * An empty session.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if its cache could not fit, {@code BAD_OPTION} if a method does not exist
     */
    public Session newSession(SessionOptions options) {
        Session session = unchecked(options, keyLayout(options));
        try {
            requireMemory(options, session);
            return session;
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /**
     * An empty session from whose readings a calibration learns: it observes them, or reads by itself.
     *
     * @throws LecternException as {@link #newSession(SessionOptions)} does
     */
    public Session newSession(SessionOptions options, Calibration calibration) {
        Session session = newSession(options);
        session.teach(calibration);
        return session;
    }

    /**
     * An empty session that several hosts share: the text that it reads first is divided among them as {@link SessionOptions#prefill} says, and every host has the keys and values of its part; of what follows, the last host. All hosts
     * make the same calls, with the same tokens and options, and get the same answers.
     *
     * @param hosts this rank's; with one rank alone the session is like any other
     * @throws LecternException of kind {@code BAD_OPTION} if a method cannot be shared, or a host has another model, other options or vectors of another width; {@code NO_MEMORY} if this host's part of a text that fills the context could not fit
     */
    public Session newSession(SessionOptions asked, Communicator hosts) {
        if (hosts.size() == 1) {
            return newSession(asked);
        }
        SessionOptions options = asked.withPrefill(Prefills.among(asked.prefill(), hosts.size()));
        int context = options.context() == 0 ? context() : options.context();
        HostAgreement.requireSameWork(
                hosts,
                options,
                List.of(
                        digest(),
                        Integer.toString(NUMERICS),
                        decoder.config().rope().described(context)));
        List<String> learned = new ArrayList<>();
        Session session = HostAgreement.together(hosts, () -> openShared(options, hosts, learned));
        try {
            HostAgreement.requireSameLearning(hosts, learned);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /**
     * A session for a text that several hosts share, with what is kept of it: each host keeps its part on its own disk, and they are used if every host finds its own, of the same text, method and number of hosts.
     *
     * @param text its tokens, at least one, all in the vocabulary
     * @param hosts this rank's, all of which make the same calls; with one rank alone the session is like any other
     * @throws LecternException as {@link #newSession(SessionOptions, Communicator)} does; of kind {@code TOO_LONG} if the context cannot hold the text
     */
    public Session newSession(SessionOptions asked, int[] text, KeptReadings kept, Communicator hosts) {
        if (hosts.size() == 1) {
            return newSession(asked, text, kept);
        }
        SessionOptions options = asked.withPrefill(Prefills.among(asked.prefill(), hosts.size()));
        Session session = newSession(options, hosts);
        try {
            Map<String, String> fields =
                    new LinkedHashMap<>(fingerprint(options, keyLayout(options), session.context(), text.length)
                            .fields());
            fields.put(Fingerprint.PART, (hosts.rank() + 1) + " of " + hosts.size());
            fields.put(Fingerprint.OF_TEXT, Hash.of(text).hex());
            session.recallTogether(kept, new Fingerprint(fields), text, hosts);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** @param learned is told what this host has learned of the model for the methods */
    private Session openShared(SessionOptions options, Communicator hosts, List<String> learned) {
        CalibrationSource source = (method, which) -> {
            Optional<Calibrated> found = calibrated(method, which);
            found.ifPresent(of -> learned.add(method + " " + Long.toHexString(of.sum())));
            return found;
        };
        Prefill prefill = Prefills.named(options.prefill(), options.question(), source);
        DecodeAttention unused = DecodeAttentions.named(options.attention(), source);
        if (!prefill.isShared()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + prefill.name() + " reads on one host, and there are " + hosts.size()
                            + ": choose ring or ulysses, which are exact, star or apb.");
        }
        if (!options.keep().equals(Retentions.ALL)) {
            throw Session.cannotDrop(options.keep(), hosts);
        }
        Session session = unchecked(options, keyLayout(options)).sharedAmong(hosts);
        try {
            requireMemory(options, session, prefill, hosts);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** Of what one of several hosts needs, which reads its part in a single step. */
    private void requireMemory(SessionOptions options, Session session, Prefill prefill, Communicator hosts) {
        Config config = decoder.config();
        int context = session.context(), share = Math.ceilDiv(context, hosts.size());
        int rows = prefill.rowsOfHost(context, hosts.size());
        long step = State.bytesOfHost(config, rows);
        long beside = prefill.bytesOfHost(session.layers(), Forward.heads(config, 0), context, hosts.size());
        SessionOptions part =
                options.withContext(Math.min(context, share + Page.TOKENS)).withPrefill(Prefills.FULL);
        requireMemory(part, session, Math.addExact(step, beside), hosts.ranksHere());
    }

    /**
     * A session for a text, with what is kept of it. {@link Session#recalled} tells how much that is, {@link Session#readRest} reads and keeps what is missing.
     *
     * @param text its tokens, all in the vocabulary
     * @throws LecternException as {@link #newSession(SessionOptions)} does, where pages that are kept do not count as memory: they are mapped, and the system can take them back; of kind
     *     {@code TOO_LONG} if the context cannot hold the text
     */
    public Session newSession(SessionOptions options, int[] text, KeptReadings kept) {
        Session session = recalled(options, keyLayout(options), text, kept);
        try {
            if (session.recalled().outcome() != Recall.Outcome.HIT) {
                // What was read for another method reads the same, only less fast, and reading it again takes longer.
                Session other = recalled(options, otherThan(keyLayout(options)), text, kept);
                Session less = other.length() > session.length() ? session : other;
                session = less == other ? session : other;
                less.close();
            }
            requireMemory(options, session);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    private Session recalled(SessionOptions options, KvFormat.Layout keyLayout, int[] text, KeptReadings kept) {
        Session session = unchecked(options, keyLayout);
        try {
            String how = keyLayout == keyLayout(options) ? "" : ", with keys in " + described(keyLayout);
            session.recall(kept, fingerprint(options, keyLayout, session.context(), text.length), text, how);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    private static String described(KvFormat.Layout keyLayout) {
        return keyLayout == KvFormat.Layout.TILE ? "tiles" : "rows";
    }

    private static KvFormat.Layout otherThan(KvFormat.Layout layout) {
        return layout == KvFormat.Layout.TILE ? KvFormat.Layout.ROW : KvFormat.Layout.TILE;
    }

    /** How keys stand for the method of attention. */
    private static KvFormat.Layout keyLayout(SessionOptions options) {
        return DecodeAttentions.named(options.attention()).keyLayout();
    }

    /**
     * On what keys and values depend beside the tokens, as fields for people.
     *
     * @param tokens of the text
     */
    public Map<String, String> keptFields(SessionOptions options, int tokens) {
        int context = options.context() == 0 ? context() : options.context();
        return fingerprint(options, keyLayout(options), context, tokens).fields();
    }

    private Fingerprint fingerprint(SessionOptions options, KvFormat.Layout keyLayout, int context, int tokens) {
        Config config = decoder.config();
        List<LayerCache> layers = layers(config, options, keyLayout);
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("model", digest());
        fields.put("--kv", KvFormats.described(layers));
        Prefill prefill = prefill(options);
        fields.put("--prefill", prefill.name());
        fields.putAll(new TreeMap<>(prefill.dependsOn(tokens)));
        fields.put("--rope-scaling", config.rope().described(context));
        fields.put("keys in", described(keyLayout));
        fields.put(
                "layers",
                config.family() + " " + config.layers() + " of " + config.kvHeads() + " heads of " + config.headDim()
                        + ", windows "
                        + Hash.of(config.windows().stream().mapToInt(w -> w).toArray())
                                .hex()
                                .substring(0, 8));
        fields.put("tokenizer", Integer.toString(tokenizer.size()));
        fields.put("page", Integer.toString(Page.TOKENS));
        fields.put("vectors of", Kernels.bitsInUse() + " bits");
        fields.put("numerics", Integer.toString(NUMERICS));
        fields.put("format", Integer.toString(KEPT_FORMAT));
        return new Fingerprint(fields);
    }

    /** By what its weights are known, in hexadecimal digits; the same wherever they lie. */
    public synchronized String digest() {
        if (digest.isEmpty()) {
            digest = WeightsDigest.of(file);
        }
        return digest;
    }

    /** A method of attention, with what was learned of this model for it. */
    DecodeAttention attention(String spec) {
        return DecodeAttentions.named(spec, this::calibrated);
    }

    private Optional<Calibrated> calibrated(String method, String which) {
        Path path = which.equals(CalibrationSource.OWN) ? calibration(method) : Path.of(which);
        if (!Files.exists(path)) {
            throw Calibrated.missing(path, method, which);
        }
        Calibrated calibrated = Calibrated.read(path, method);
        if (!calibrated.weights().equals(digest())) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    path + " was made of another model than " + path() + ": run \"" + Calibrated.command(method)
                            + "\" for this one.");
        }
        return Optional.of(calibrated);
    }

    /**
     * What was learned of this model for the methods of attention and of reading that options name: for each of them that needs it a checksum, by the method's name. What they compute
     * depends on it, and their names do not tell it.
     */
    public Map<String, String> learned(SessionOptions options) {
        Map<String, String> sums = new TreeMap<>();
        CalibrationSource noting = (method, which) -> {
            Optional<Calibrated> found = calibrated(method, which);
            found.ifPresent(of -> sums.put(method, Long.toHexString(of.sum())));
            return found;
        };
        DecodeAttentions.named(options.attention(), noting);
        Prefills.named(options.prefill(), options.question(), noting);
        return sums;
    }

    /**
     * The file for what is learned of this model for a method of attention or of reading.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if the model was opened without a folder for such files
     */
    public Path calibration(String method) {
        Path folder = calibrations.orElseThrow(() -> new LecternException(
                LecternException.Kind.BAD_OPTION,
                Calibrated.asked(method, CalibrationSource.OWN)
                        + ": the model was opened without a folder for what is learned of it; name the file."));
        return Calibrated.file(folder, path(), digest(), method);
    }

    private Session unchecked(SessionOptions options, KvFormat.Layout keyLayout) {
        int context = options.context() == 0 ? context() : options.context();
        if (context > context()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--ctx is " + context + " tokens, but the model was made for " + context()
                            + ": ask for no more, or stretch it with --rope-scaling (yarn:factor=2 doubles it).");
        }
        List<LayerCache> layers = layers(decoder.config(), options, keyLayout);
        Prefill prefill = prefill(options);
        prefill.requireFit(layers);
        Optional<Retention> retention = Retentions.named(options.keep());
        if (retention.isPresent() && retention.get().needsSums() && !prefill.isExact()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--keep " + retention.get().name()
                            + " goes by what each token of a text looks at, and with --prefill " + prefill.name()
                            + " that is only a part of it: leave one of the two out.");
        }
        return new Session(
                this,
                layers,
                decoder.config().rope().forLength(context),
                context,
                prefill,
                attention(options.attention()),
                retention);
    }

    private void requireMemory(SessionOptions options, Session session) {
        requireMemory(options, session, 0, 1);
    }

    /**
     * @param beside bytes that are needed besides
     * @param sharers ranks that have this machine's memory together, and need as much each
     */
    private void requireMemory(SessionOptions options, Session session, long beside, int sharers) {
        Estimate estimate = estimate(options, 1);
        long kv = estimate.kv() - session.mappedBytes();
        long others = Math.addExact(estimate.besideCache(), beside), available = estimate.available() / sharers;
        if (kv + others > available) {
            String whose = sharers == 1 ? "" : " to each of the " + sharers + " ranks of this machine";
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "A context of " + session.context() + " tokens needs " + kv + " bytes for its KV cache and "
                            + others + " for index and scratch, but only " + available + " are available" + whose
                            + ": ask for a shorter --ctx or a smaller --kv format.");
        }
    }

    /**
     * Reads one token more in each of several sessions, all in one step, so that the weights are read once for all. Each session goes on as if
     * it had read its token alone, bit for bit.
     *
     * @param sessions of this model, each another one; each attends by its own method
     * @param tokens one for each session
     * @throws LecternException of kind {@code TOO_LONG} if one has no room, {@code BAD_OPTION} for a token that is not of the vocabulary,
     *     {@code CANCELLED} on request; then none has read anything
     */
    public void step(List<Session> sessions, int[] tokens, Cancellation cancellation) {
        Session.step(this, sessions, tokens, cancellation);
    }

    /**
     * Answers after what several sessions have read, decoded together, so that the weights are read once for all. The i-th gets what the i-th of several answers
     * gets in {@link Session#generate(int, GenerateOptions, TokenListener, Cancellation)}, which is greedily what it would get by itself, and afterwards holds it up to the token before its last.
     *
     * @param sessions of this model, each another one; each attends by its own method
     * @param listener told with a session's place in the list
     * @return an answer for each
     */
    public List<Answer> generate(
            List<Session> sessions, GenerateOptions options, TokenListener listener, Cancellation cancellation) {
        return Session.generate(this, sessions, options, listener, cancellation);
    }

    /** What attention has read for tokens that came alone, those of answers, since the model was opened. */
    public Traffic traffic() {
        return withForward(Forward::traffic);
    }

    /** What attention has computed for tokens that came together, those of texts, since the model was opened. */
    public Pairs pairs() {
        return withForward(Forward::pairs);
    }

    /**
     * What sessions would take.
     *
     * @param sessions that share their beginning, so that only index and scratch are needed for each
     */
    public Estimate estimate(SessionOptions options, int sessions) {
        return new Estimator(file, decoder.config()).estimate(options, sessions);
    }

    /** What a session keeps in each layer. */
    static List<LayerCache> layers(Config config, SessionOptions options) {
        return layers(config, options, keyLayout(options));
    }

    private static List<LayerCache> layers(Config config, SessionOptions options, KvFormat.Layout keyLayout) {
        List<KvFormats> formats = KvFormats.ofLayers(options.kv(), options.kvLayers(), config.layers());
        List<LayerCache> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(new LayerCache(
                    config.kvHeads(),
                    config.headDim(),
                    config.windows().get(layer),
                    formats.get(layer).keys(),
                    formats.get(layer).values(),
                    keyLayout));
        }
        return layers;
    }

    private Prefill prefill(SessionOptions options) {
        return Prefills.named(options.prefill(), options.question(), this::calibrated);
    }

    /** Says once that keys of this model are not for the format of a cache, where it is so. */
    void warnOfOffsets(KvCache cache) {
        for (int layer = 0; layer < cache.layers().size(); layer++) {
            KvFormat keys = cache.layers().get(layer).keys();
            if (!keys.suffersFromOffsets()) {
                continue;
            }
            OptionalDouble ratio = KeyNorms.ratio(cache, layer);
            if (ratio.isPresent() && ratio.getAsDouble() > KeyNorms.LARGE && warned.compareAndSet(false, true)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        String.format(
                                Locale.ROOT,
                                "%s: the keys of layer %d are %.0f times as long as its values, and with --kv %s (as with hf-int4 and"
                                        + " hf-int2 in general) what they say is lost: use chl-4, or kivi-4, which follow such keys.",
                                path(),
                                layer,
                                ratio.getAsDouble(),
                                keys.name()));
            }
        }
    }

    /** Runs steps one after the other. */
    synchronized <T> T withForward(Function<Forward, T> work) {
        return work.apply(forward);
    }

    @Override
    public void close() {
        workers.close();
        if (ownsWeights) {
            decoder.close();
            file.close();
        }
    }
}
