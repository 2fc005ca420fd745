// How many strangers may pass as one person: chosen once for all views.
import { get } from "./api";
import { attempt } from "./notices.svelte";
import type { Threshold } from "./shapes";

class Strictness {
  /** The rates that the model was calibrated to, the strictest first. */
  rates = $state<number[]>([]);
  /** What was chosen; `null` leaves it to the server. */
  far = $state<number | null>(null);

  async load(): Promise<void> {
    if (this.rates.length) return;
    await attempt(async () => {
      const { thresholds } = await get<{ thresholds: Threshold[] }>("/v1/model");
      this.rates = thresholds.map((threshold) => threshold.false_accept_rate).filter((rate) => rate !== null);
    });
  }

  /** The choice as it is asked for: `far=0.01`, or nothing. */
  get query(): string {
    return this.far === null ? "" : `far=${this.far}`;
  }
}

export const strictness = new Strictness();
