package dev.lectern.comm;

import dev.lectern.Cancellation;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** {@link CommunicatorLaws} between threads. */
@Timeout(60)
final class InProcessContractTest {
    @TestFactory
    Stream<DynamicContainer> threadsKeepAllLaws() {
        return Stream.of(1, 2, 3, 4, 7)
                .map(hosts -> DynamicContainer.dynamicContainer(
                        hosts + " ranks",
                        CommunicatorLaws.all().entrySet().stream()
                                .map(law -> DynamicTest.dynamicTest(
                                        law.getKey(),
                                        () -> InProcess.run(hosts, new Cancellation(), communicator -> {
                                            law.getValue().accept(communicator);
                                            return communicator.rank();
                                        })))));
    }
}
