declare module 'virtual:docs' {
  export const pages: { page: string; title: string; load: () => Promise<{ default: string }> }[];
}
