// Server-sent events out of the text they come in, however it is cut. Pure; used by read-stream.ts.

export interface StreamEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

export class EventParser {
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];

  constructor(lastId = "") {
    this.#id = lastId;
  }

  /** The events that are complete with this piece. */
  push(piece: string): readonly StreamEvent[] {
    const found: StreamEvent[] = [];
    this.#rest += piece;
    // A carriage return at the end may be half a line's end.
    const whole = this.#rest.endsWith("\r") ? this.#rest.slice(0, -1) : this.#rest;
    const lines = whole.split(/\r\n|\r|\n/);
    this.#rest = (lines.pop() ?? "") + this.#rest.slice(whole.length);
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) found.push({ id: this.#id, type: this.#type || "message", data: this.#data.join("\n") });
        this.#type = "";
        this.#data = [];
      } else this.#field(line);
    }
    return found;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the stream is alive
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }
}
