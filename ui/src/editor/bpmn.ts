// What the editor uses of bpmn-js and diagram-js, as far as it uses it.

export interface Moddle {
  $type: string;
  $parent?: Moddle;
  $attrs?: Record<string, string>;
  $descriptor?: { isGeneric?: boolean; ns?: { uri?: string } };
  $instanceOf?(type: string): boolean;
  id?: string;
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  [name: string]: unknown;
}

export interface Shape {
  id: string;
  type: string;
  x: number;
  y: number;
  width: number;
  height: number;
  hidden?: boolean;
  parent?: Shape;
  host?: Shape;
  attachers?: Shape[];
  labelTarget?: Shape;
  waypoints?: { x: number; y: number }[];
  incoming: Shape[];
  outgoing: Shape[];
  source?: Shape;
  target?: Shape;
  businessObject: Moddle;
  di: Moddle;
  children?: Shape[];
}

export interface Modeling {
  updateProperties(element: Shape, properties: Record<string, unknown>): void;
  updateModdleProperties(element: Shape, moddle: Moddle, properties: Record<string, unknown>): void;
  updateLabel(element: Shape, text: string): void;
  removeElements(elements: Shape[]): void;
  connect(source: Shape, target: Shape): Shape;
  moveShape(shape: Shape, delta: { x: number; y: number }): void;
  moveElements(shapes: Shape[], delta: { x: number; y: number }): void;
  updateWaypoints(connection: Shape, waypoints: { x: number; y: number }[]): void;
  layoutConnection(connection: Shape): void;
  createShape(shape: object, position: { x: number; y: number }, parent: Shape, hints?: { attach?: boolean }): Shape;
}

export interface Canvas {
  zoom(level?: number | 'fit-viewport', center?: unknown): number;
  viewbox(box?: { x: number; y: number; width: number; height: number }): {
    x: number;
    y: number;
    width: number;
    height: number;
    scale: number;
    inner: { x: number; y: number; width: number; height: number };
    outer: { width: number; height: number };
  };
  scrollToElement(element: Shape | string, padding?: number | object): void;
  addMarker(id: string, marker: string): void;
  removeMarker(id: string, marker: string): void;
  getRootElement(): Shape;
  getContainer(): HTMLElement;
  getAbsoluteBBox(element: Shape): { x: number; y: number; width: number; height: number };
  focus(): void;
  resized(): void;
}

export interface Registry {
  get(id: string): Shape | undefined;
  filter(test: (element: Shape) => boolean): Shape[];
  getAll(): Shape[];
}

export interface EventBus {
  on(event: string | string[], priority: number, listener: (event: never) => unknown): void;
  on(event: string | string[], listener: (event: never) => unknown): void;
  off(event: string | string[], listener: (event: never) => unknown): void;
  fire(event: string, data?: object): unknown;
}

export interface CommandStack {
  canUndo(): boolean;
  canRedo(): boolean;
  undo(): void;
  redo(): void;
  registerHandler(name: string, handler: unknown): void;
  execute(name: string, context: unknown): void;
  _stackIdx: number;
}

export interface Selection {
  get(): Shape[];
  select(elements: Shape | Shape[] | null): void;
}

export interface PopupMenu {
  open(target: Shape | Shape[], provider: string, position: { x: number; y: number }, options: object): void;
  registerProvider(id: string, provider: object): void;
  isOpen(): boolean;
}

export interface Factory {
  create(type: string, properties?: Record<string, unknown>): Moddle;
}

export interface ElementFactory {
  createShape(attributes: object): Shape;
}

export interface ModdleModel {
  ids: { assigned(id: string): unknown; nextPrefixed(prefix: string): string };
  create(type: string, properties?: object): Moddle;
  createAny(type: string, uri: string, properties?: object): Moddle;
  fromXML(xml: string): Promise<{ rootElement: Moddle; warnings: { message: string }[] }>;
}

export const is = (element: Shape | Moddle | undefined, type: string): boolean => {
  const found = (element as Shape | undefined)?.businessObject ?? (element as Moddle | undefined);
  return found?.$instanceOf?.(type) ?? false;
};
