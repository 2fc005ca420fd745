// A list that the server gives page by page.
import { get } from "./api";
import { attempt } from "./notices.svelte";
import type { Page } from "./shapes";

/** Things of a page: as many as two screens of a wall. */
const LIMIT = 100;

/** All pages at once: for what must be complete. */
export async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let cursor = ""; ; ) {
    const page = await get<Page<T>>(`${path}?limit=500${cursor}`);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

export class Paged<T> {
  items = $state.raw<T[]>([]);
  hasMore = $state(true);
  isLoading = $state(false);
  private next: string | null = null;
  /** Answers to an older question are not taken. */
  private turn = 0;

  constructor(private path: string) {}

  /** Begins anew, also with another question. */
  async restart(path: string = this.path): Promise<void> {
    this.path = path;
    this.turn++;
    this.next = null;
    this.hasMore = true;
    this.isLoading = false;
    await this.load(true);
  }

  async load(anew = false): Promise<void> {
    if (this.isLoading || !this.hasMore) return;
    this.isLoading = true;
    const turn = this.turn;
    const joint = this.path.includes("?") ? "&" : "?";
    const cursor = this.next ? `&cursor=${encodeURIComponent(this.next)}` : "";
    const done = await attempt(async () => {
      const page = await get<Page<T>>(`${this.path}${joint}limit=${LIMIT}${cursor}`);
      if (turn !== this.turn) return;
      this.items = anew ? page.items : [...this.items, ...page.items];
      this.next = page.next;
      this.hasMore = page.next !== null;
    });
    if (turn !== this.turn) return;
    // What failed would fail again at once.
    if (!done) this.hasMore = false;
    this.isLoading = false;
  }
}
