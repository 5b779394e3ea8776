/** Stops the calls it stands for. */
export type Unsubscribe = () => void;

/** Listeners of one kind of event. A listener that throws is reported and does not keep the others from being called. */
export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => void>();

  on(listener: (value: T) => void): Unsubscribe {
    // Wrapped, so that the same function may listen twice and each unsubscribe ends one of them.
    const own = (value: T) => listener(value);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  emit(value: T): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(value);
      } catch (error) {
        console.error('a listener of the remote render client failed', error);
      }
    }
  }
}
