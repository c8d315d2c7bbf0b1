// Series of these modalities are documents: reports, selections of key images, PDFs.
export const DOCUMENTS = new Set(["SR", "KO", "DOC"]);
