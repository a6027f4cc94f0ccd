// types.d.ts: what Python sends and what a drawing is made of; read by tsc only.

export interface Knob {
  name: string;
  label: string;
  default: number | string;
  kind: "range" | "select";
  low: number;
  high: number;
  step: number;
  grid_step: number | null;
  grid: (number | string)[];
  unit: string;
  options: [number | string, string][];
  rug: [number, number][];
  hint: string;
  hidden: boolean;
  more: boolean;
}

export type Controls = Record<string, any>;

export interface Preset {
  name: string;
  caption: string;
  controls: Controls;
}

export interface Guess {
  value: string | number;
  label: string;
  reply: string;
}

/** `right` is the value of the right answer, or `by` names the entry of the frame that holds it. */
export interface Prediction {
  guesses: Guess[];
  right: string | number | null;
  by: string;
}

export interface Spec extends Record<string, any> {
  key: string;
  title: string;
  question: string;
  answer: string;
  version: string;
  knobs: Knob[];
  presets: Preset[];
  predict: Prediction | null;
  play: { knob: string; seconds: number; low?: number; high?: number } | null;
  compact?: boolean;
  patience?: number;
}

/** One frame of numbers and words; `verdict` is lines of [tone, text]. */
export interface Frame extends Record<string, any> {
  verdict: [string, string][];
}

export interface Model {
  still?: boolean;
  get(name: string): any;
  set(name: string, value: any): void;
  on(name: string, act: () => void): void;
  off(name: string, act: () => void): void;
  save_changes?(): void;
}

export type Update = (frame: Frame, controls: Controls, focused: number | null) => string | void;

export interface PanelOf {
  name: string;
  title: string;
  column: 0 | 1 | 2;
  compact?: boolean;
  compactTitle?: string;
  details?: boolean;
  after?: boolean;
  alive?: boolean;
  height?(width: number, spec: Spec, room: number): number;
  build?(svg: SVGSVGElement, size: { width: number; height: number }, view: any): Update;
  html?(body: HTMLElement, view: any): Update;
}

export interface Drawing {
  panels: PanelOf[];
  frame?(controls: Controls, spec: Spec): Frame;
  moves?: Record<string, "blend" | "match">;
  life?(view: any): Life;
  actions?(view: any): HTMLElement[];
}

/** What goes on by itself in an explorer. */
export interface Life {
  start(): void;
  stop(): void;
  changed(): void;
  reset(): void;
}

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}
