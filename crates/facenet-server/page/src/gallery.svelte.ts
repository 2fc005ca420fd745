// What the server says of its gallery; none where it serves none.
import { get, Refused } from "./api";
import { notices } from "./notices.svelte";
import type { Gallery } from "./shapes";

class GalleryState {
  value = $state<Gallery | null>(null);
  isKnown = $state(false);

  async refresh(): Promise<void> {
    try {
      this.value = await get<Gallery>("/v1/gallery");
    } catch (error) {
      if (!(error instanceof Refused && error.code === "no-gallery")) notices.fail(error);
      this.value = null;
    }
    this.isKnown = true;
  }

  get canWrite(): boolean {
    return this.value !== null && !this.value.read_only;
  }
}

export const gallery = new GalleryState();
