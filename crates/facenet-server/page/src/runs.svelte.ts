// The training runs that the server shows; often none.
import { get } from "./api";
import { notices } from "./notices.svelte";
import type { Run } from "./shapes";

class Runs {
  items = $state<Run[]>([]);

  async refresh(): Promise<boolean> {
    try {
      this.items = (await get<{ items: Run[] }>("/v1/runs")).items;
      return true;
    } catch (error) {
      notices.fail(error);
      return false;
    }
  }
}

export const runs = new Runs();
