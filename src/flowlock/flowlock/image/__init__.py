"""OCI images from locks: layers by package, the documents of an image, its layout on disk, its push."""
