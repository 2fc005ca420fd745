// Which view is shown: the part of the address after `#`, so that the browser's own back and forward work.

class Route {
  parts = $state<string[]>([]);

  constructor() {
    this.read();
    addEventListener("hashchange", () => this.read());
  }

  private read(): void {
    this.parts = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  }

  get view(): string {
    return this.parts[0] || "look";
  }

  /** The number after the view, as in `#/people/3`. */
  get id(): number | null {
    const id = Number(this.parts[1]);
    return Number.isInteger(id) && id > 0 ? id : null;
  }

  go(address: string): void {
    location.hash = address;
  }
}

export const route = new Route();
