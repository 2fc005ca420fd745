// What was just done, told to eyes and to screen readers, with a way back.
import { Refused } from "./api";

export interface Notice {
  text: string;
  hint?: string | null;
  isError: boolean;
  undo?: () => Promise<void>;
}

class Notices {
  last = $state<Notice | null>(null);

  tell(text: string, undo?: () => Promise<void>): void {
    this.last = { text, isError: false, undo };
  }

  fail(error: unknown): void {
    const hint = error instanceof Refused ? error.hint : null;
    this.last = { text: error instanceof Error ? error.message : String(error), hint, isError: true };
  }

  clear(): void {
    this.last = null;
  }
}

export const notices = new Notices();

/** Does something, and tells when it fails; gives whether it was done. */
export async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    notices.fail(error);
    return false;
  }
}
