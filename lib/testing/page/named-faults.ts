import { argumentError } from '../check-argument.js';
import type { EmulatorFault, EmulatorFaultHandle } from '../faults.js';
import { FAULT_PRESETS } from './fault-presets.js';

const MAX_FAULTS = 100;

/** The faults that are switched on by name. */
export class NamedFaults {
  private readonly handles = new Map<string, EmulatorFaultHandle>();

  /** @param add as `pica.fault()` */
  constructor(
    private readonly add: (fault: EmulatorFault) => EmulatorFaultHandle,
  ) {}

  /**
   * Switches a fault on, or replaces it.
   *
   * @param fault Default: the preset of this name
   * @throws {TypeError | RangeError} for an invalid fault
   */
  set(name: string, fault = FAULT_PRESETS[name]?.fault): void {
    if (!fault || (this.handles.size >= MAX_FAULTS && !this.has(name))) {
      throw argumentError(
        `the fault ${name}`,
        `expected one of ${Object.keys(FAULT_PRESETS).join(', ')}, or a body such as {"status":503}, and at most ${MAX_FAULTS} faults.`,
      );
    }
    const handle = this.add(fault);
    this.delete(name);
    this.handles.set(name, handle);
  }

  /** @returns whether there was one */
  delete(name: string): boolean {
    this.handles.get(name)?.remove();
    return this.handles.delete(name);
  }

  clear(): void {
    for (const name of this.handles.keys()) this.delete(name);
  }

  /** The presets and the others that are switched on. */
  list(): { name: string; title: string; on: boolean; hits: number }[] {
    const names = new Set([
      ...Object.keys(FAULT_PRESETS),
      ...this.handles.keys(),
    ]);
    return [...names].map((name) => ({
      name,
      title: FAULT_PRESETS[name]?.title ?? name,
      on: this.has(name),
      hits: this.handles.get(name)?.hits ?? 0,
    }));
  }

  private has(name: string): boolean {
    return this.handles.has(name);
  }
}
