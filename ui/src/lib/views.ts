// Filters under a name, in this browser alone: the address of a page without its place.
const KEY = 'segue.views';
const KEPT = 50;

export interface View {
  name: string;
  query: string;
}

export function savedViews(storage: Storage = localStorage): View[] {
  try {
    const found: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
    if (!Array.isArray(found)) return [];
    return found.filter(
      (each): each is View =>
        typeof each === 'object' && each !== null && typeof (each as View).name === 'string' && typeof (each as View).query === 'string',
    );
  } catch {
    return [];
  }
}

/** The views with this one, which takes the place of another of its name. */
export function saveView(view: View, storage: Storage = localStorage): View[] {
  const views = [view, ...savedViews(storage).filter((each) => each.name !== view.name)].slice(0, KEPT);
  store(views, storage);
  return views;
}

export function removeView(name: string, storage: Storage = localStorage): View[] {
  const views = savedViews(storage).filter((each) => each.name !== name);
  store(views, storage);
  return views;
}

function store(views: View[], storage: Storage): void {
  try {
    storage.setItem(KEY, JSON.stringify(views));
  } catch {
    // A browser that keeps nothing keeps no views.
  }
}
