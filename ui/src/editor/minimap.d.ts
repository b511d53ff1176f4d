declare module 'diagram-js-minimap' {
  const module: object;
  export default module;
}
