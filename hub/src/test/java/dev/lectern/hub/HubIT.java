package dev.lectern.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Really pulls the small model, into the cache folder of this machine, where tests of other modules look for it. */
class HubIT {
    @Test
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void theSmallModelIsPulledOnceAndThenFound() throws IOException {
        Hub hub = Hub.system();
        CatalogueEntry small = hub.catalogue().find("smollm2-135m");
        List<Long> done = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        Progress progress = (bytes, total) -> done.add(bytes);

        Installed pulled = hub.pull("smollm2-135m", progress, notes::add, new Cancellation());

        assertThat(pulled.path()).hasSize(small.bytes());
        assertThat(pulled.record().sha256()).isEqualTo(small.sha256());
        Caller caller = new Caller(Progress.NONE, note -> {}, new Cancellation());
        assertThat(new Digest.Sha256("").of(pulled.path(), caller))
                .as("notes: %s", notes)
                .isEqualTo(small.sha256());
        assertThat(done).isSorted();
        assertThat(hub.resolve("smollm2-135m")).contains(pulled.path());
        assertThat(hub.installed()).contains(pulled);

        List<String> secondNotes = new ArrayList<>();
        assertThat(hub.pull("smollm2-135m", Progress.NONE, secondNotes::add, new Cancellation()))
                .isEqualTo(pulled);
        assertThat(secondNotes).isEmpty();
    }
}
