// How many devices wait for approval: shown in the navigation, kept in step by events.
import { signal } from "@preact/signals";
import { onStart } from "./state";

export const pendingPairs = signal(0);

onStart((gateway) => {
  const look = () =>
    gateway.call("device.pair.list").then(
      (answer) => (pendingPairs.value = answer?.pending?.length ?? 0),
      () => (pendingPairs.value = 0),
    );
  for (const event of ["hello", "gap", "device.pair.requested", "device.pair.resolved"]) gateway.on(event, look);
});
